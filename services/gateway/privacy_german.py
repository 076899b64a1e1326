"""The privacy policy in German: what `privacy.ENGLISH` says, row for row by its id; English is the source."""

from __future__ import annotations

from services.gateway.privacy import Policy, Row

__all__ = ["GERMAN"]

_ROWS = (
    Row(
        "account", "Dein Name, dein Benutzername, ob du Eigentümer oder Mitglied bist, wann du eingezogen bist und "
        "wann du gesagt hast, dass du alt genug bist. Nicht dein Alter.",
        "In der Datei des Gateways, verschlüsselt.", "Bis du gelöscht wirst.", "Du und die Eigentümer des Hauses.",
    ),
    Row(
        "password", "Ein Hash deines Passworts (argon2id), nie das Passwort.",
        "In der Datei des Gateways, verschlüsselt.", "Bis du es änderst oder gelöscht wirst.", "Niemand.",
    ),
    Row(
        "sign_ins", "Wann, von welcher Netzwerkadresse und mit welchem Browser du dich angemeldet hast.",
        "In der Datei des Gateways, verschlüsselt.",
        "Höchstens 60 Tage, und 14 Tage, nachdem du die Anmeldung zuletzt benutzt hast.", "Du.",
    ),
    Row(
        "provider_sign_ins", "Wenn du dich bei einem Anbieter anmeldest: bei welchem, seine Kennung von dir, die "
        "Adresse oder der Name, den er mitgeteilt hat, wann du zuletzt darüber gekommen bist. Nichts anderes, was er "
        "mitteilt.",
        "In der Datei des Gateways, verschlüsselt.",
        "Bis du diesen Weg fortnimmst, die Eigentümer den Anbieter fortnehmen oder du gelöscht wirst.",
        "Du. Die Eigentümer sehen, wie viele sich dort anmelden, und der Anbieter, dass du es tust.",
    ),
    Row(
        "provider_clients", "Woran ein Anbieter von Anmeldungen dieses Haus erkennt: dessen Geheimnis dort, und was "
        "eine Anmeldung braucht, während sie läuft.",
        "In der Datei des Tresors, verschlüsselt und darin noch einmal versiegelt.",
        "Bis die Eigentümer den Anbieter fortnehmen. Eine Anmeldung, bis sie endet: Sie gilt zehn Minuten, und eine, "
        "die nie endet, geht, wenn die nächste beginnt.",
        "Der Tresor. Die Eigentümer sehen, dass es ein Geheimnis gibt, und niemand sieht, welches.",
    ),
    Row(
        "second_factor", "Wenn bei deiner Anmeldung Codes einer App verlangt werden: das Geheimnis, aus dem sie "
        "entstehen, seit wann das so ist, und Prüfsummen deiner Wiederherstellungscodes.",
        "In der Datei des Gateways, verschlüsselt.",
        "Bis du es ausschaltest oder gelöscht wirst; ein Wiederherstellungscode, bis er benutzt ist.",
        "Du, wenn es entsteht. Danach niemand.",
    ),
    Row(
        "passkeys", "Von jedem Passkey sein öffentlicher Schlüssel, der Name, den du ihm gegeben hast, der Name des "
        "Hauses, zu dem er gehört, wie oft er nach eigener Angabe benutzt wurde und wann zuletzt. Nicht dein Finger "
        "oder Gesicht: Sie verlassen dein Gerät nie.",
        "In der Datei des Gateways, verschlüsselt.", "Bis du ihn entfernst oder gelöscht wirst.", "Du.",
    ),
    Row(
        "known_addresses", "Netzwerke, von denen du dich früher angemeldet hast, damit Fremde, die raten, dich nicht "
        "aussperren können.",
        "In der Datei des Gateways, verschlüsselt.", "180 Tage.", "Niemand.",
    ),
    Row(
        "tokens", "Von Token für deine Programme: ein Hash, die letzten vier Zeichen, wofür jedes ist, wann es "
        "benutzt wurde.",
        "In der Datei des Gateways, verschlüsselt.", "Bis es endet, höchstens ein Jahr, oder bis du es widerrufst.",
        "Du.",
    ),
    Row(
        "invitations", "Von einem Link, der jemanden hereinlässt: eine Prüfsumme, für wen er nach den Worten des "
        "Eigentümers ist, sein Ende.",
        "In der Datei des Gateways, verschlüsselt.", "Bis er benutzt oder widerrufen ist, höchstens 30 Tage.",
        "Die Eigentümer des Hauses.",
    ),
    Row(
        "conversations",
        "Was du schreibst, die Dateien, die du dazugibst, und was geantwortet wird, mit dem, was dafür gelesen wurde.",
        "In einer Datei von dir im Raum des Agenten, verschlüsselt mit einem eigenen Schlüssel.",
        "Bis du sie löschst, oder so lange, wie du gewählt hast.",
        "Du. Das Modell, das antwortet, liest, was ein Schritt braucht, so wie du es für jede Quelle erlaubst.",
    ),
    Row(
        "memories", "Was der Assistent sich auf deinen Wunsch merkt.",
        "In einer Datei von dir im Raum des Gateways, verschlüsselt mit einem eigenen Schlüssel.",
        "Bis du es vergessen lässt, oder so lange, wie du gewählt hast; was du angeheftet hast, bleibt.",
        "Du. Das Modell liest, was zu einer Frage passt.",
    ),
    Row(
        "questions", "Was du gefragt wurdest, bevor etwas gesendet, geändert oder gelöscht wurde, und was du gesagt "
        "hast.",
        "Der Inhalt in einer Datei von dir, verschlüsselt mit einem eigenen Schlüssel; Kennungen und Zeiten in der des "
        "Gateways.",
        "Bis du die Unterhaltung löschst, oder so lange, wie du gewählt hast; was noch wartet, bleibt.", "Du.",
    ),
    Row(
        "schedules", "Was zu welchen Zeiten zu tun ist, wie du es unterschrieben hast.",
        "In einer Datei von dir im Raum des Gateways, verschlüsselt mit einem eigenen Schlüssel.",
        "Bis es vorbei ist oder du es beendest.", "Du.",
    ),
    Row(
        "keeping", "Wie lange was nach deiner Wahl aufbewahrt wird, und was der letzte Lauf entfernt hat: Arten und "
        "Zahlen.",
        "In der Datei des Gateways, verschlüsselt. Was du gewählt hast, steht auch im Protokoll.",
        "Bis du anders wählst oder gelöscht wirst.", "Du.",
    ),
    Row(
        "archives", "Ein Archiv mit allem, was das Haus von dir hat, wenn du eines verlangst.",
        "In einer Datei von dir im Raum des Gateways, verschlüsselt mit einem eigenen Schlüssel; außerdem versiegelt "
        "für die Passphrase oder den Schlüssel, wenn du das eine oder das andere angegeben hast.",
        "24 Stunden, und eine Stunde, nachdem du es geholt hast. Es geht, wenn du etwas von dir löschst, und mit dir.",
        "Du.",
    ),
    Row(
        "imports", "Ein Archiv, das du mitbringst, während es gelesen wird.",
        "In einer Datei von dir im Raum des Gateways, verschlüsselt mit einem eigenen Schlüssel.",
        "Bis es übernommen oder abgelehnt ist, höchstens 24 Stunden. Was übernommen wurde, wird aufbewahrt wie das, "
        "was hier von dir entsteht.",
        "Du.",
    ),
    Row(
        "mirrors",
        "Kopien von dem, was deine Konten enthalten, etwa Mails und Termine, damit es schnell gefunden wird.",
        "In je einer Datei von dir bei jedem Konnektor, verschlüsselt mit einem eigenen Schlüssel.",
        "Bis du das Konto entfernst, oder so lange, wie du gewählt hast; was beim Anbieter liegt, bleibt davon "
        "unberührt.",
        "Du und der Konnektor.",
    ),
    Row(
        "secrets", "Passwörter und Token der Konten, die du verbindest.",
        "In der Datei des Tresors, verschlüsselt und darin noch einmal versiegelt.",
        "Bis du das Konto entfernst; die Zustimmung beim Anbieter wird dann beendet.",
        "Der Konnektor dieses Kontos, für jedes, was du ihn tun lässt.",
    ),
    Row(
        "loans", "Wenn du hier ein Konto mit jemandem teilst oder jemand eines mit dir: welches, mit wem, wofür, die "
        "Namen der Kalender, auf die es beschränkt ist, und bis wann.",
        "In der Datei des Gateways, verschlüsselt; was davon unterschrieben wurde, auch in der des Tresors.",
        "Bis einer von euch es beendet, seine Zeit um ist, höchstens ein Jahr, oder das Konto oder einer von euch "
        "geht.",
        "Du und der andere. Mit wem es geteilt wird, der hat eine Kopie in einer eigenen Datei, bis es endet; was er "
        "davon in Unterhaltungen gelesen hat, bleibt dort.",
    ),
    Row(
        "webhooks", "Für ein Konto, dessen Anbieter das Haus anrufen darf: eine Adresse, die zu ihm führt, und wann "
        "dort zuletzt jemand abgewiesen wurde.",
        "In der Datei des Gateways, verschlüsselt.", "Bis du sie änderst oder das Konto entfernst.",
        "Du und der Anbieter, dem du sie gibst. Was darüber kommt, geht an den Konnektor, und an der Tür wird nichts "
        "davon aufbewahrt.",
    ),
    Row(
        "model_requests", "Was ein Modell für eine Antwort bekommt: deine Worte, was davor gesagt wurde, Gemerktes, "
        "das passt, und was dafür gelesen wurde. Was nur für lokale Modelle ist, geht an kein anderes, und bei dem, "
        "was geschwärzt wird, gehen Platzhalter statt der Adressen.",
        "Bei dem Modell, das du oder die Eigentümer gewählt haben.",
        "Dort so lange, wie sein Anbieter sagt. Hier zählt es das Protokoll: welches Modell, wie viele Bytes, wessen "
        "Text.",
        "Wer dieses Modell betreibt.",
    ),
    Row(
        "notice_browsers", "Von einem Browser, der dir sagt, dass etwas wartet: seine Adresse beim Hersteller, seine "
        "Schlüssel, sein Name, wann er zuletzt etwas bekam.",
        "In einer Datei von dir im Raum des Gateways, verschlüsselt mit einem eigenen Schlüssel.",
        "Bis du dich dort abmeldest, diese Anmeldung beendest oder ihn entfernst, oder bis der Browser es beendet. "
        "Eine Anmeldung, die von selbst abläuft, beendet es nicht.",
        "Du.",
    ),
    Row(
        "notices", "Dass etwas auf dein Ja wartet, versiegelt nur für deinen Browser; was es ist, nur, wenn du das "
        "gewählt hast.",
        "Beim Hersteller deines Browsers.", "Bis dein Browser es hat, höchstens 24 Stunden.",
        "Der Hersteller deines Browsers sieht, dass dieses Haus etwas gesendet hat, wann, und die Länge in Stufen von "
        "256 Bytes.",
    ),
    Row(
        "spending", "Wie viele Token du von welchem Modell an welchem Tag verbraucht hast, und was das gekostet hat.",
        "In der Datei des Gateways, verschlüsselt.", "Bis du gelöscht wirst.",
        "Du; die Eigentümer sehen die Summen.",
    ),
    Row(
        "ledger", "Was in deinem Namen getan wurde, wann, mit welchem Beweis. Was ein Eintrag enthält, ist mit deinem "
        "Schlüssel versiegelt.",
        "In der Datei des Zeugen, verschlüsselt.",
        "Dass es getan wurde, mit dem Beweis dafür, so lange das Haus besteht: Ein Protokoll, das vergisst, beweist "
        "nichts. Was ein Eintrag enthält, bis du ihn leerst, oder so lange, wie du gewählt hast. Wenn du gelöscht "
        "wirst, wird dein Schlüssel vernichtet, und was davon übrig ist, lässt sich nicht mehr lesen.",
        "Du. Ein Auszug für einen Eigentümer enthält von deinen Einträgen nur die Prüfsummen.",
    ),
    Row(
        "left", "Wie viele Bytes deine Konten und deine Fragen an welchem Tag an welchen Rechner gesendet haben, und "
        "wessen Text in den Fragen war.",
        "In der Datei des Zeugen, verschlüsselt.",
        "Bis du es löschst oder gelöscht wirst, oder so lange, wie du gewählt hast.", "Du.",
    ),
    Row(
        "house_traffic", "Wie viele Bytes an welchem Tag an welchen Rechner gingen, gezählt am einzigen Weg hinaus, "
        "ohne zu wissen, wessen.",
        "In der Datei des Zeugen, verschlüsselt.", "So lange das Haus besteht.", "Die Eigentümer.",
    ),
    Row(
        "browser",
        "Ein Cookie, solange du angemeldet bist, deine Wahl von Hell oder Dunkel, Sprache, Tasten und Stimme, was du "
        "getippt und nicht gesendet hast, und wonach du zuletzt gesucht hast.",
        "In deinem Browser.",
        "Bis du dich dort abmeldest; das Cookie höchstens 60 Tage, was du gewählt hast, bis du es dort löschst.",
        "Dieses Haus. Seine Seiten laden nichts von anderswo.",
    ),
    Row(
        "visitors", "Nichts von denen, die nur die Seiten lesen, die allen offen stehen: Start, Datenschutz und "
        "Bedingungen.",
        "Nirgends.", "Nie.", "Niemand.",
    ),
    Row(
        "logs", "Dass etwas misslungen ist, nach Art und Stelle im Programm. Kein Inhalt, kein Geheimnis, keine "
        "Adresse.",
        "Da, wo die Person, die das Haus gestartet hat, seine Ausgabe liest.", "So lange diese Person sie aufbewahrt.",
        "Wer den Rechner betreibt.",
    ),
    Row(
        "copies", "Kopien des ganzen Hauses, wenn welche gemacht werden: alles, was hier steht, verschlüsselt, wie es "
        "dort liegt, und die Schlüssel.",
        "In dem Ordner, den der Betreiber gewählt hat, mit age versiegelt für den Hauptschlüssel.",
        "Die neueste von 7 Tagen, 4 Wochen und 6 Monaten, wenn nicht andere Zahlen gewählt wurden, und eine mit einem "
        "Namen, bis sie entfernt wird. Was gelöscht wird, bleibt in Kopien von davor, bis diese gehen.",
        "Wer den Hauptschlüssel hat, und wer vom Betreiber außerdem benannt wurde.",
    ),
    Row(
        "root_key", "Der Hauptschlüssel, unter dem alle anderen Schlüssel liegen.",
        "In einer Datei außerhalb der Daten, die nur das Konto des Hauses lesen darf; mit einer Passphrase "
        "verschlossen, wenn es eine gibt.",
        "Bis er ersetzt wird.", "Wer den Rechner betreibt.",
    ),
    Row(
        "passphrase", "Die Passphrase des Hauptschlüssels, wenn es eine gibt.",
        "Nirgends: Sie wird dem Haus beim Start gesagt. Wer es betreibt, kann eine eigene Datei mit ihr angeben.",
        "Solange das Haus läuft, im Arbeitsspeicher.", "Wer sie kennt.",
    ),
    Row(
        "recovery_sheet", "Der Hauptschlüssel auf Papier, wenn ihn jemand druckt.",
        "Da, wo das Papier hingelegt wird. Das Haus zeigt den Schlüssel und behält kein Blatt.",
        "So lange es aufbewahrt wird.", "Wer das Papier hat.",
    ),
    Row(
        "no_telemetry", "Nichts: Das Haus meldet niemandem, dass es da ist, wie es benutzt wird oder dass es versagt "
        "hat.",
        "Nirgends.", "Nie.",
        "Niemand. Es spricht mit dem Modell, mit den Anbietern der Konten, die du verbindest, und mit den Herstellern "
        "der Browser, denen du Benachrichtigungen anvertraust.",
    ),
)  # fmt: skip

GERMAN = Policy(
    language="de",
    title="Was dieses Haus von dir aufbewahrt",
    now="Was dieses Haus im Moment tut",
    intro=(
        "Jede Zeile sagt, was aufbewahrt oder gesendet wird, wo es liegt, wie lange, und wer es sieht. Die Eigentümer "
        "eines Hauses führen es und lesen von niemandem den Inhalt. Wer den Rechner selbst hat, mit seinen Schlüsseln, "
        "könnte es: Was dann möglich wäre, steht in der Anleitung für Betreiber."
    ),
    heads=("Was", "Wo", "Wie lange", "Wer es sieht"),
    parts={
        "account": "Du, und wie du dich anmeldest",
        "conversations": "Was du hier tust",
        "mirrors": "Deine Konten anderswo",
        "model_requests": "Modelle und Benachrichtigungen",
        "spending": "Das Protokoll",
        "browser": "Das Haus",
    },
    rows=_ROWS,
    policy="Die eigenen Regeln dieses Hauses",
    program="Was das Programm aufbewahrt",
)
