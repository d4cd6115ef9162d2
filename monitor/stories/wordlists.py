"""Word lists of grouping: words that say nothing of an event, and headlines that tell of many events.

Only lists: what follows from a word stands in `stories.likeness`.
"""

from __future__ import annotations

import re


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Words that hold sentences together, in the languages that are met most; short ones are left out anyway.
FUNCTION_WORDS = _words(
    "the and for are was his her has had not but who you its can how why all any out off our she him did get got let "
    "per via yet too amp "
    "about after again against also among amid been before being between could does during from further have "
    "having here into just more most only other over said says same should some such than that their them then "
    "there these they this those through under until very were what when where which while will with would your "
    "according told year years today week month news report reports "
    "aber alle auch beim dass dem den der des die diese dieser doch durch ein eine einem einen einer eines für "
    "gegen haben hat hatte ihr ihre ist kann mehr mit nach nicht noch oder sein seine seit sich sind über und "
    "unter vom von vor war waren wegen werden wie wird wurde wurden zum zur zwischen "
    "alors après aussi avec avant cette chez comme contre dans depuis des deux dont elle entre est être fait "
    "leur leurs les mais même ont par pas plus pour qui que sans ses son sont sous sur une vers "
    "como con contra cuando del desde donde durante ella ellos entre esta este esto fue han hasta las los más "
    "muy para pero por que según ser sido sin sobre son sus tras una uno "
    "alla anche che come con dal dalla degli dei del della delle dopo gli hanno nel nella non per più sono sul "
    "sulla tra una uma não mais pelo pela dos das nos nas também foi são "
    "была были было быть вас для его если еще ещё или из-за как которая которые который между может над они "
    "она оно после при про себя сказал стало так также там тем того только том что чтобы этого этом это "
    "або але був була були від його для коли між про після також так там той цього цей що щоб яка які який "
    "het een van voor met niet zijn naar door over als maar ook wordt werd tegen "
    "och att för som med den det inte från till har efter jako oraz przez jest nie się został była było które "
    "ještě jeho jejich které který podle před také bylo byla "
    "من في على إلى عن مع التي الذي هذا هذه بعد قبل كان كانت أن إن لم قال ما بين خلال "
    "از در به با که این آن را برای است شد شده می های بر یک تا نیز پس گفت کرد "
    "के की का में से को है और पर ने हैं इस एक यह भी लिए "
    "one two three first last new old man woman"
)
# Many events under one headline.
ROUNDUP = re.compile(
    r"^live\s*[:|–—-]|[:|–—-]\s*live$|"
    r"\b(?:live(?:blog| blog| updates?)|as it happened|round-?up|week in review|the week in|newsletter|news in brief|"
    r"(?:weekly|daily|morning|evening|news) (?:briefing|digest|update|brief|wrap)|top stories|what we know|podcast|"
    r"press review|in pictures|дайджест|главное за|главные новости|итоги (?:дня|недели|месяца)|онлайн-трансляция|"
    r"хроника|обзор прессы|підсумки|liveblog|newsticker|live-ticker|wochenrückblick|presseschau|überblick am|"
    r"nachrichtenüberblick|en direct|revue de presse|l['’]essentiel|en bref|en vivo|en directo|boletín|"
    r"resumen (?:de|del)|diretta|rassegna stampa|resumo (?:do|da)|ao vivo|przegląd|na żywo)\b|"
    r"直播|滚动|一周|简报|簡報|早报|早報|晚报|晚報|新聞摘要|新闻摘要|懶人包|"
    r"بث مباشر|موجز|نشرة الأخبار|جولة الصحافة|خلاصه اخبار|مهم‌ترین اخبار",
    re.IGNORECASE,
)
# Stems (`stories.likeness`) of the days of the week: a form for Monday is another than for Tuesday.
WEEKDAYS = _words(
    "monda tuesd wedne thurs frida satur sunda понед вторн среду среда четве пятни суббо воскр вівто серед четве пятни "
    "субот неділ monta diens mittw donne freit samst sonnt lundi mardi mercr jeudi vendr samed diman lunes marte miérc "
    "jueve viern sábad domin luned marte merco giove vener sabat segun terça quart quint sexta"
)
