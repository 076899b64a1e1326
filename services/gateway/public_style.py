"""The one style of the pages that need no script, in colours and fonts of the web UI, as its `tokens.css` has them."""

from __future__ import annotations

import base64
import hashlib

__all__ = ["STYLE", "STYLE_HASH"]

STYLE = (
    ":root{color-scheme:light dark;"
    "--font-sans:system-ui,-apple-system,'Segoe UI',Roboto,'Noto Sans',Cantarell,Ubuntu,sans-serif;"
    "--color-paper:light-dark(#f8f7f4,#141615);--color-card:light-dark(#ffffff,#1d201f);"
    "--color-line:light-dark(#dfdcd5,#303533);--color-ink:light-dark(#1b1d1c,#e9ebe8);"
    "--color-soft:light-dark(#4f5451,#b3b9b5);--color-accent:light-dark(#0b6b5d,#56bfa9);"
    "--color-accent-strong:light-dark(#085548,#74d2be);--color-accent-text:light-dark(#0a6357,#6accb7);"
    "--color-on-accent:light-dark(#ffffff,#0d1413);--radius-md:0.5rem;--radius-lg:0.875rem;"
    "background:var(--color-paper);color:var(--color-ink);font-family:var(--font-sans);"
    "text-size-adjust:100%;-webkit-text-size-adjust:100%}"
    "*{box-sizing:border-box}"
    "body{margin:0;line-height:1.5;overflow-wrap:break-word}"
    "header,main,footer{max-width:60rem;margin-inline:auto;padding-inline:1.25rem}.short>*{max-width:44rem}"
    "header{display:flex;flex-wrap:wrap;align-items:center;justify-content:space-between;gap:.5rem 2rem;"
    "padding-block:1.5rem}"
    "main{padding-block:.5rem 2rem}"
    "footer{padding-block:1rem 2rem;border-top:1px solid var(--color-line);color:var(--color-soft);font-size:.875rem}"
    "a{color:var(--color-accent-text);text-underline-offset:.2em}"
    ":focus-visible{outline:2px solid var(--color-accent);outline-offset:2px}"
    ".brand{display:flex;align-items:center;gap:.75rem;color:inherit;font-weight:600;letter-spacing:-.025em;"
    "text-decoration:none}"
    "ul.ways{display:flex;flex-wrap:wrap;gap:0 1.25rem;margin:0;padding:0;list-style:none}"
    ".ways li{margin:0}.ways a{display:inline-block;padding-block:.25rem}"
    "[aria-current]{color:inherit;font-weight:600;text-decoration:none}"
    "h1{margin:0 0 1rem;font-size:1.5rem;font-weight:600;line-height:1.25;letter-spacing:-.025em}"
    "h2{margin:2rem 0 .5rem;font-size:1rem;font-weight:600}"
    "p{margin:0 0 .75rem}p:last-child{margin-bottom:0}"
    "p>a{display:inline-block}ul{margin:0 0 .75rem;padding-inline-start:1.25rem}li{margin-bottom:.375rem}"
    ".soft{color:var(--color-soft)}.lead{font-size:1.125rem}"
    ".words{white-space:pre-line}"
    ".button{display:inline-flex;align-items:center;min-height:2.5rem;padding:.375rem 1.25rem;"
    "border-radius:var(--radius-md);background:var(--color-accent);color:var(--color-on-accent);font-weight:550;"
    "text-decoration:none}.button:hover{background:var(--color-accent-strong)}"
    ".card{margin-block:1.5rem;padding:1.25rem;border:1px solid var(--color-line);border-radius:var(--radius-lg);"
    "background:var(--color-card)}.card h2{margin-top:0}"
    "dl{display:grid;grid-template-columns:max-content 1fr;gap:.5rem 1.5rem;margin:0}dt{color:var(--color-soft)}"
    "dd{margin:0;min-width:0}"
    "table{width:100%;border-collapse:collapse;font-size:.9375rem}"
    "th,td{padding:.625rem 1rem .625rem 0;border-bottom:1px solid var(--color-line);text-align:start;"
    "vertical-align:top}"
    "thead th{color:var(--color-soft);font-weight:500}th h2{margin:1.5rem 0 0}tr[id]{scroll-margin-top:1rem}"
    "@media(max-width:48rem){thead{display:none}tbody,tr,td,th{display:block}table{display:block}"
    "th,td{padding:.125rem 0;border:0}tr{padding-block:.75rem;border-bottom:1px solid var(--color-line)}"
    "td:before{content:attr(data-head) ': ';color:var(--color-soft)}"
    "dl{grid-template-columns:1fr;gap:0}dd{margin-bottom:.75rem}}"
)
STYLE_HASH = "sha256-" + base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
