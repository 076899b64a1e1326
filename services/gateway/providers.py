"""Hosts of model providers by their litellm name, for a model that is chosen without an address.

From the providers' API references; litellm itself has no list of them that can be read without importing it, which
this room does not. A provider that is missing here works with its address entered beside the model.
"""

from __future__ import annotations

__all__ = ["hosts_of"]

_HOSTS = {
    "anthropic": ("api.anthropic.com",),
    "cerebras": ("api.cerebras.ai",),
    "cohere": ("api.cohere.com", "api.cohere.ai"),
    "cohere_chat": ("api.cohere.com", "api.cohere.ai"),
    "deepinfra": ("api.deepinfra.com",),
    "deepseek": ("api.deepseek.com",),
    "fireworks_ai": ("api.fireworks.ai",),
    "gemini": ("generativelanguage.googleapis.com",),
    "groq": ("api.groq.com",),
    "mistral": ("api.mistral.ai", "codestral.mistral.ai"),
    "moonshot": ("api.moonshot.ai",),
    "nebius": ("api.studio.nebius.ai",),
    "nvidia_nim": ("integrate.api.nvidia.com",),
    "openai": ("api.openai.com",),
    "openrouter": ("openrouter.ai",),
    "perplexity": ("api.perplexity.ai",),
    "sambanova": ("api.sambanova.ai",),
    "together_ai": ("api.together.xyz",),
    "voyage": ("api.voyageai.com",),
    "xai": ("api.x.ai",),
}


def hosts_of(model: str) -> tuple[str, ...]:
    """The hosts of the provider in `provider/model`; () for one that is not known here."""
    return _HOSTS.get(model.partition("/")[0].lower(), ())
