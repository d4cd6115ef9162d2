"""What is read off one text: states, stage, targets, organisations, and the words that speak for each."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from monitor.model import Evidence, Facts, Stage
from monitor.store import rows
from monitor.stories import facts


def states(title: str, summary: str = "", *, language: str = "en", host: str = "") -> tuple[str, str]:
    said = facts.read(title, summary, language=language, host=host)
    return ",".join(said.origin_states), ",".join(said.host_states)


@pytest.mark.parametrize(
    ("language", "title", "origin", "host"),
    [
        ("en", "Iranian journalist stabbed outside his home in London", "IR", "GB"),
        ("en", "Two charged in Stockholm with spying on Uyghurs for China", "CN", "SE"),
        ("en", "Chinese agents followed a Tibetan activist in Toronto, RCMP says", "CN", "CA"),
        ("de", "Türkischer Journalist in Berlin bedroht: Polizei prüft Spur nach Ankara", "TR", "DE"),
        ("fr", "Un opposant azerbaïdjanais poignardé à Nantes", "AZ", "FR"),
        ("es", "Exmilitar nicaragüense asesinado en San José, Costa Rica", "NI", "CR"),
        ("ru", "В Праге отравлена российская журналистка", "RU", "CZ"),
        ("uk", "У Варшаві побили білоруського активіста", "BY", "PL"),
        ("pl", "Tadżycki opozycjonista porwany w Wiedniu", "TJ", "AT"),
        ("ar", "مقتل صحفي سعودي في إسطنبول", "SA", "TR"),
        ("fa", "حمله به روزنامه‌نگار ایرانی در لندن", "IR", "GB"),
        ("zh-Hans", "德国检方起诉为中国监视维吾尔人的男子", "CN", "DE"),
        ("zh-Hant", "英國警方調查港警懸紅流亡港人一案", "HK", "GB"),
        ("ja", "中国の警察拠点、東京で捜索", "CN", "JP"),
        ("ko", "북한 공작원, 서울서 탈북민 감시", "KP", "KR"),
        ("tr", "İranlı gazeteci Londra'da bıçaklandı", "IR", "GB"),
        ("vi", "Blogger Việt Nam bị bắt cóc ở Bangkok", "VN", "TH"),
        ("it", "Dissidente iraniano aggredito a Roma", "IR", "IT"),
    ],
)
def test_the_state_that_reaches_out_and_the_one_it_reaches_into_are_told_apart(
    language: str, title: str, origin: str, host: str
) -> None:
    assert states(title, language=language) == (origin, host)


def test_states_of_one_list_are_named_together() -> None:
    assert states("Iran, China and Russia hunt their critics in Germany, report says")[0] in (
        "IR,CN,RU",
        "CN,IR,RU",
        "RU,IR,CN",
        "IR,RU,CN",
        "CN,RU,IR",
        "RU,CN,IR",
    )


def test_a_text_that_names_no_state_says_nothing_of_states() -> None:
    assert states("Exiled editor stabbed outside his home", "Police are looking for two men.") == ("", "")


def test_an_outlet_or_a_sea_is_no_state() -> None:
    assert states("A quiet week - South China Morning Post", "Sailors in the Indian Ocean saw dolphins.") == ("", "")


def test_tibet_and_xinjiang_are_of_china_and_name_their_peoples() -> None:
    said = facts.read("Tibetan singer seized in Kathmandu and sent back to Lhasa", "", language="en")
    assert said.origin_states == ("CN",)
    assert said.host_states == ("NP",)
    assert "tibetans" in said.target_groups


def test_the_publishers_state_tips_a_balance_but_names_none_by_itself() -> None:
    assert states("Exiles fear for their lives", host="SE") == ("", "")
    title = "Kyrgyz activist taken on the road between Ankara and Tbilisi"
    assert states(title, host="GE")[1] in ("", "GE", "TR,GE", "GE,TR")


def test_a_state_is_never_both() -> None:
    said = facts.read("Thai exile vanishes in Bangkok after return from Thailand", "", language="en")
    assert not set(said.origin_states) & set(said.host_states)


def test_every_fact_brings_words_that_stand_in_the_text() -> None:
    title = "Mann gesteht: Spitzel für Pekings Staatssicherheit in München"
    summary = "Die Bundesanwaltschaft erhob Anklage. Opfer waren uigurische Aktivisten."
    said = facts.read(title, summary, language="de")
    assert {one.fact for one in said.evidence} >= {"origin_states", "host_states", "target_groups", "stage"}
    assert all(one.words in f"{title}\n{summary}" for one in said.evidence)
    proven = {(one.fact, one.value) for one in said.evidence}
    assert {("origin_states", state) for state in said.origin_states} <= proven


def test_words_of_the_text_are_found_where_folding_changes_its_length() -> None:
    title = "Straße in Weißrussland: KGB be\u00addroht Exil\u00adjournalistin in Vilnius ﬁnal"
    said = facts.read(title, "", language="de")
    assert {one.words for one in said.evidence if one.fact == "host_states"} == {"Vilnius"}
    assert {one.words for one in said.evidence if one.fact == "organisations"} == {"KGB"}


@pytest.mark.parametrize(
    ("stage", "language", "title"),
    [
        (Stage.ALLEGATION, "en", "Exile says men followed her through Vienna"),
        (Stage.INVESTIGATION, "en", "Police search flat in inquiry into Chinese police post"),
        (Stage.CHARGE, "en", "Three men charged over plot to kill Iranian presenter"),
        (Stage.TRIAL, "en", "Court hears how agents watched Hong Kong activists"),
        (Stage.VERDICT, "en", "Jury finds man guilty of stalking for Beijing"),
        (Stage.SENTENCE, "en", "Spy who hunted exiles jailed for nine years"),
        (Stage.LAW, "en", "Lawmakers back bill against transnational repression"),
        (Stage.REPORT, "en", "Report counts 160 attacks on exiles by 23 governments"),
        (Stage.DENIAL, "en", "Beijing denies running police stations abroad"),
        (Stage.SENTENCE, "ru", "Шпиона приговорили к восьми годам"),
        (Stage.CHARGE, "zh-Hans", "检方起诉两名男子"),
        (Stage.DENIAL, "fa", "تهران این ادعا را تکذیب کرد"),
        (Stage.INVESTIGATION, "fr", "Une enquête ouverte après l'agression d'un opposant"),
    ],
)
def test_the_stage_is_what_the_title_says(stage: Stage, language: str, title: str) -> None:
    assert facts.read(title, "", language=language).stage == stage


def test_a_denial_is_the_stage_where_the_headline_tells_it() -> None:
    said = facts.read("Two charged with hunting exiles for Tehran", "The embassy denies any role.", language="en")
    assert said.stage == Stage.CHARGE
    said = facts.read("Exiles in Oslo hunted for Tehran", "The embassy denies any role.", language="en")
    assert said.stage == ""
    assert facts.read("Tehran denies hunting exiles in Oslo", "", language="en").stage == Stage.DENIAL


@pytest.mark.parametrize(
    ("stage", "language", "title"),
    [
        (Stage.ALLEGATION, "tr", "Uygur aktivist: Konsolosluk önünde beni fotoğrafladılar"),
        (Stage.ALLEGATION, "ar", "ناشط سوداني: اتصلوا بي من رقم في الخرطوم"),
        (Stage.ALLEGATION, "ko", "위구르 활동가 “영사관이 내 여권을 돌려주지 않는다”"),
        (Stage.ALLEGATION, "en", "China accused of keeping files on students in Leeds"),
        ("", "en", "Norway flies home exile who accused minister of torture"),
        ("", "tr", "Casuslukla suçlanan imam Malmö'den ayrıldı"),
        (Stage.VERDICT, "en", "Jury convicts retired officer of stalking family for China"),
        (Stage.CHARGE, "ko", "탈북민 미행한 50대 구속기소"),
        ("", "en", "Journalist beaten in Lisbon: 'They knew my name'"),
        ("", "en", "Norway expels priest accused of informing on exiles"),
        ("", "de", "Berlin bestellt Botschafter ein nach Urteil"),
        ("", "fr", "Après sa condamnation, il vit caché à Lyon"),
        ("", "pl", "Po wyroku wyjechał do Wilna"),
        ("", "zh-Hans", "判刑后，他仍收到家乡来电"),
        ("", "en", "Ankara arrests sister of teacher who fled to Oslo"),
        ("", "es", "Detenida la madre de un periodista exiliado en Quito"),
        (Stage.INVESTIGATION, "en", "Two men arrested over attack on exiled editor"),
        (Stage.INVESTIGATION, "pl", "Trzech zatrzymanych za pobicie emigranta w Łodzi"),
        (Stage.TRIAL, "nl", "Tien jaar cel geëist tegen man die dissident volgde"),
        (Stage.TRIAL, "es", "La fiscalía pide veinte años para el espía que siguió a la opositora"),
        (Stage.TRIAL, "id", "Jaksa tuntut 12 tahun penjara bagi mata-mata"),
        (Stage.VERDICT, "it", "No all'estradizione del blogger: corte d'appello di Torino gli dà ragione"),
        (Stage.LAW, "uk", "Рада ухвалила закон проти переслідування біженців"),
        (Stage.REPORT, "sv", "Ny rapport: var femte exiljournalist hotas"),
        (Stage.SENTENCE, "ko", "탈북민 감시한 50대 징역 4년"),
        (Stage.SENTENCE, "vi", "Tòa Praha tuyên năm năm tù với kẻ theo dõi nhà báo"),
        (Stage.DENIAL, "cs", "Peking popírá, že sleduje studenty v Brně"),
    ],
)
def test_a_headline_tells_a_step_that_is_new_and_taken_against_the_deed(stage: str, language: str, title: str) -> None:
    assert facts.read(title, "", language=language).stage == stage


@pytest.mark.parametrize(
    ("stage", "language", "title"),
    [
        ("", "en", "Families ask for charges over Montreal police post"),
        ("", "en", "Exile could be jailed over attack on consulate"),
        ("", "en", "Verdict expected on Monday over plot on critic in Pretoria"),
        ("", "en", "Life for hitman in Łódź?"),
        ("", "de", "Exilverband fordert Ermittlungen nach Brandanschlag"),
        ("", "zh-Hans", "家属要求彻查绑架案"),
        ("", "ja", "家族、誘拐事件の捜査を求める"),
        (Stage.CHARGE, "en", "A year after gunman was jailed, driver charged over plot on editor"),
        ("", "en", "Minsk raids flats of women who spoke in Vilnius"),
        ("", "en", "Rapper's cousin arrested in Dushanbe over his song in Riga"),
        ("", "en", "Choir singer arrested in Bangkok at embassy's wish"),
        ("", "en", "Opposition speaker detained in Bangkok before summit"),
        (Stage.INVESTIGATION, "en", "Two men arrested in Riga after editor was stabbed"),
        (Stage.INVESTIGATION, "ko", "탈북 유튜버 미행하던 2명 구속"),
        ("", "en", "Tashkent accuses blogger in Oslo of inciting riots"),
        (Stage.ALLEGATION, "en", "Iran blamed for plot against editor in Oslo"),
        (Stage.VERDICT, "en", "Strasbourg: hand-over of teachers broke the convention"),
        (Stage.VERDICT, "de", "OLG Celle: Musiker hat in Ankara kein faires Verfahren zu erwarten"),
        (Stage.DENIAL, "nl", "Ambassade: 'Geen agent heeft iemand gevolgd'"),
        (Stage.DENIAL, "zh-Hans", "外交部：中国没有所谓海外警察站"),
        ("", "en", "Embassy: come home and renew your papers"),
        ("", "de", "Totgesagter Reporter lebt: Kiew stellte Falle"),
        ("", "id", 'Pelajar Uighur diminta "pulang sebentar"'),
        ("", "en", "Consulate denies renewal of passport to student"),
        ("", "es", "El consulado niega la prórroga del pasaporte a una actriz"),
        ("", "en", "Senators want to know who followed the Tibetans"),
        (Stage.LAW, "en", "Senators back bill against foreign police posts"),
    ],
)
def test_what_is_wished_for_asked_or_done_by_the_pursuer_is_no_step_against_the_deed(
    stage: str, language: str, title: str
) -> None:
    assert facts.read(title, "", language=language).stage == stage


def test_an_outlets_name_behind_the_headline_is_no_stage() -> None:
    assert facts.read("Exile vanishes in Tbilisi - Human Rights Watch", "", language="en").stage == ""
    assert facts.read("Exile vanishes in Tbilisi - Human Rights Watch", "Police are investigating.").stage == (
        Stage.INVESTIGATION
    )


def test_a_summary_tells_the_stage_only_in_so_many_words() -> None:
    title = "Exiled editor stabbed outside his home"
    assert facts.read(title, "Police are looking for two men.", language="en").stage == Stage.INVESTIGATION
    assert facts.read(title, "Amnesty says the law is old and the trial was long ago.", language="en").stage == ""


@pytest.mark.parametrize(
    ("groups", "title"),
    [
        (("journalists",), "Exiled journalist followed through Vienna"),
        (("uyghurs",), "Uyghur refugee sent back from Rabat"),
        (("dissidents",), "Four exiles lured to Juba"),
        (("journalists",), "Opposition journalist seized in Kampala"),
        (("relatives", "journalists"), "Mother of blogger in Oslo questioned in Minsk"),
        ((), "Engineer seized in Nairobi, his brother says"),
        (("students",), "Student followed in Leeds by men from the consulate, activists say"),
        (("activists",), "Activists say men from the consulate followed them"),
        (("hongkongers",), "Hong Kong student beaten in Leeds"),
        (("gulenists",), "Gülen teacher flown to Ankara from Libreville"),
        (("jews",), "Two charged with scouting synagogue in Malmö for Tehran"),
    ],
)
def test_the_pursued_are_told_from_who_only_speaks_and_from_where_they_live(
    groups: tuple[str, ...], title: str
) -> None:
    assert facts.read(title, "", language="en").target_groups == groups


@pytest.mark.parametrize(
    ("groups", "language", "title"),
    [
        (("journalists",), "fr", "Journaliste menacé jusqu'à Abidjan par des proches de la junte"),
        (("relatives",), "en", "Engineer's cousin beaten by students in Kabul"),
        (("dissidents",), "en", "Hackers posing as journalists write to exiles in Berlin"),
        (("uyghurs",), "en", "Man jailed for reporting on Uyghurs to a Chinese 'journalist'"),
        (("uyghurs",), "en", "Uyghur family of five put on a plane to Urumqi"),
        (("tibetans",), "en", "Student charged with filming Tibetans in Zurich"),
        (("journalists",), "en", "Opposition leaders meet; journalist abducted in Kampala"),
        (("activists",), "en", "Editor in Oslo says men followed activists to their hotel"),
        ((), "en", "Lawyer abducted in Nairobi"),
        (("lawyers",), "en", "Egyptian lawyer abducted in Nairobi"),
        ((), "en", "Reporters Without Borders sues prince"),
        ((), "ja", "女性、東京で尾行される"),
    ],
)
def test_the_pursued_are_who_the_deed_is_done_to(groups: tuple[str, ...], language: str, title: str) -> None:
    assert facts.read(title, "", language=language).target_groups == groups


def test_in_a_summary_callings_count_beside_a_deed_or_in_exile() -> None:
    title = "Police post in Dublin is shut"
    assert facts.read(title, "A reporter found the sign gone.", language="en").target_groups == ()
    assert facts.read(title, "A reporter was followed home.", language="en").target_groups == ("journalists",)
    assert facts.read(title, "Exiled editors had asked for it.", language="en").target_groups == ("journalists",)


def test_if_the_headline_names_only_who_is_in_the_dock_the_summary_says_who_was_pursued() -> None:
    said = facts.read("Imam charged with spying in Ulm", "He reported followers of Gülen to Ankara.", language="en")
    assert said.target_groups == ("gulenists",)
    assert facts.read("Imam charged with spying in Ulm", "", language="en").target_groups == ("believers",)


def test_former_officials_in_the_dock_are_not_the_pursued() -> None:
    said = facts.read("Former police officer charged with tracking Tibetan activists", "", language="en")
    assert said.target_groups == ("tibetans", "activists")
    assert facts.read("Former general found dead in Porto", "", language="en").target_groups == ("ex-officials",)


def test_relatives_in_a_summary_are_anybodys() -> None:
    said = facts.read("Engineer vanishes in Dakar", "He was on the way to the wedding of his sister.", language="en")
    assert said.target_groups == ()


@pytest.mark.parametrize(
    ("language", "title"),
    [
        ("en", "Nobody has been charged over attack on Iranian exile in London"),
        ("en", "Man not yet charged after attack on dissident"),
        ("en", "Suspects released without charge after raid on Kazakh exile"),
        ("en", "No one has been sentenced for the murder of the exile"),
        ("en", "Prosecutors drop charges against men who followed exile"),
        ("de", "Niemand wurde angeklagt nach Angriff auf Exil-Iraner in Berlin"),
        ("de", "Keine Anklage nach Mordversuch an Exil-Tschetschenen"),
        ("es", "Nadie ha sido imputado por el asesinato del opositor"),
        ("fr", "Personne n'a été mis en examen après l'attaque contre l'opposant"),
        ("pl", "Nikomu nie postawiono zarzutów po ataku"),
        ("zh-Hans", "至今无人被起诉"),
    ],
)
def test_what_has_not_come_to_pass_is_no_stage(language: str, title: str) -> None:
    assert facts.read(title, "", language=language).stage not in ("charge", "trial", "verdict", "sentence")


def test_what_is_said_of_somebody_else_in_the_next_sentence_takes_nothing_back() -> None:
    assert facts.read("He was not hurt: man charged over attack", "", language="en").stage == Stage.CHARGE


@pytest.mark.parametrize(
    ("stage", "language", "title"),
    [
        (Stage.TRIAL, "en", "Former officer pleads not guilty to acting as Chinese agent"),
        (Stage.TRIAL, "en", "Businessman pleads guilty to acting as agent of China"),
        (Stage.TRIAL, "de", "Angeklagter bekennt sich nicht schuldig"),
        (Stage.TRIAL, "es", "El acusado se declara inocente"),
        (Stage.TRIAL, "zh-Hans", "被告不认罪"),
        (Stage.VERDICT, "en", "Jury acquits man accused of spying on Hong Kong exiles"),
        (Stage.VERDICT, "en", "Man found not guilty of stalking dissident for China"),
        (Stage.VERDICT, "de", "Angeklagter freigesprochen im Spionageprozess"),
    ],
)
def test_a_plea_is_a_day_of_the_trial_and_an_acquittal_a_verdict(stage: Stage, language: str, title: str) -> None:
    assert facts.read(title, "", language=language).stage == stage


@pytest.mark.parametrize(
    "title",
    ["Daily roundup", "Indeed he fled", "Homeless man attacked", "Amanda Knox", "Lars Larsen", "Grenades thrown"],
)
def test_an_everyday_word_that_begins_like_a_place_is_none(title: str) -> None:
    assert states(title) == ("", "")


def test_no_stage_is_better_than_a_guess() -> None:
    assert facts.read("Uyghur family of five put on a plane to Urumqi", "", language="en").stage == ""


def test_hands_laid_on_somebody_are_told_from_reach_at_a_distance() -> None:
    assert facts.read("Exile stabbed in Paris", "", language="en").physical is True
    assert facts.read("Spyware found on the phone of an exiled editor", "", language="en").physical is False
    assert facts.read("A statement by the foreign ministry", "", language="en").physical is None


def test_codes_are_passed_through_and_say_what_no_word_says() -> None:
    said = facts.read("Man vanishes in Nairobi", "", language="en", codes=("forced-return",))
    assert said.codes == ("forced-return",)
    assert said.physical is True
    assert facts.read("New letter from home", "", language="en", codes=("surveillance",)).physical is False


def test_agencies_and_programmes_are_organisations_and_leaders_are_not() -> None:
    said = facts.read("FBI arrests man who hunted critics for Fox Hunt, as Putin looks on", "", language="en")
    assert said.organisations == ("FBI", "Operation Fox Hunt")


def test_an_agencys_letters_must_be_capitals() -> None:
    assert facts.read("The mit of the glove was raw and the pet was fed", "", language="en").organisations == ()


def test_targets_are_those_of_the_title_if_it_names_any() -> None:
    said = facts.read("Sikh activist warned in Vancouver", "Journalists were told of it later.", language="en")
    assert said.target_groups == ("sikhs", "activists")


def test_reading_says_the_same_every_time() -> None:
    text = ("Turkey's MİT flies teacher home from Nairobi", "Gülen's followers fear more.")
    assert facts.read(*text, language="en") == facts.read(*text, language="en")


@given(st.text(max_size=300), st.text(max_size=300), st.sampled_from(["", "en", "zh-Hans", "ar", "xx"]))
@example("", "", "")
@example("\udcff ﷽ İstanbul'da ß\u0301", "\u202e中国\u200d", "tr")
def test_any_text_can_be_read_and_nothing_is_proven_by_words_it_lacks(title: str, summary: str, language: str) -> None:
    said = facts.read(title, summary, language=language)
    assert all(one.words in title or one.words in summary for one in said.evidence)


# ── a story ───────────────────────────────────────────────────────────────────────────────────────


def proof(fact: str, value: str, words: str) -> Evidence:
    return Evidence(fact=fact, value=value, words=words)


def test_nothing_merges_into_nothing_and_one_into_itself() -> None:
    one = Facts(origin_states=("IR",), stage="trial")
    assert facts.merged([]) == Facts()
    assert facts.merged([one]) == one


def test_a_state_needs_half_of_those_that_name_any() -> None:
    iran, russia = Facts(origin_states=("IR",)), Facts(origin_states=("RU",))
    assert facts.merged([russia, iran, iran, Facts()]).origin_states == ("IR",)
    assert facts.merged([russia, iran]).origin_states == ("RU", "IR")


def test_a_stage_is_reached_when_two_say_so() -> None:
    said = [Facts(stage=stage) for stage in ("charge", "allegation", "verdict")]
    assert facts.merged(said).stage == Stage.CHARGE
    assert facts.merged([*said, Facts(stage="sentence")]).stage == Stage.VERDICT
    assert facts.merged([Facts(), Facts(stage="trial")]).stage == Stage.TRIAL
    assert facts.merged([Facts(), Facts()]).stage == ""


def test_a_law_or_a_report_is_the_stage_where_more_say_that() -> None:
    said = [Facts(stage=stage) for stage in ("law", "law", "allegation")]
    assert facts.merged(said).stage == Stage.LAW
    assert facts.merged([Facts(stage="report"), Facts(stage="charge")]).stage == Stage.CHARGE


def test_persons_meet_in_any_script_and_a_strangers_name_needs_two() -> None:
    lead = Facts(people=("Vladimir Osechkin",))
    second = Facts(people=("Владимир Осечкин", "John Smith"))
    assert facts.merged([lead, second]).people == ("Vladimir Osechkin",)
    assert facts.merged([lead, second, Facts(people=("John Smith",))]).people == ("Vladimir Osechkin", "John Smith")


def test_what_most_say_was_physical_is_physical() -> None:
    said = [Facts(physical=claim) for claim in (False, True, True, None)]
    assert facts.merged(said).physical is True
    assert facts.merged([Facts(), Facts()]).physical is None


def test_evidence_stays_for_what_stays() -> None:
    kept, lost = proof("origin_states", "IR", "Tehran"), proof("origin_states", "RU", "Moscow")
    said = [Facts(origin_states=("IR",), evidence=(kept,))] * 3 + [Facts(origin_states=("RU",), evidence=(lost,))]
    assert facts.merged(said).evidence == (kept,)


# ── storing ───────────────────────────────────────────────────────────────────────────────────────


def test_facts_come_back_from_the_store_as_they_were() -> None:
    said = facts.read(
        "Masih Alinejad plot: two men guilty in New York, FBI says", "", language="en", codes=("violence",)
    )
    assert said.people
    assert rows.facts(json.loads(json.dumps(rows.facts_values(said)))) == said


def test_facts_of_older_rows_are_unsure_of_what_they_lack() -> None:
    assert rows.facts({}) == Facts()
    assert rows.facts({"origin_states": ["CN"], "stage": "law"}) == Facts(origin_states=("CN",), stage="law")


def test_nothing_is_loaded_before_the_first_text() -> None:
    code = "import sys, monitor.stories.facts; print([m for m in ('babel', 'ahocorasick_rs', 'numpy') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("language", "title", "origins"),
    [
        ("tr", "Meclis, sürgündeki gazetecilere ilişkin yasa teklifini kabul ettiği oturumu kapattı", set()),
        ("tr", "Taliban'ın Kabil'deki yönetimi Berlin'deki muhalifleri tehdit etti", {"AF"}),
        ("en", "Police hint at more arrests over threats to an exile", set()),
        ("tr", "Hint istihbaratı Londra'daki aktivisti tehdit etti", {"IN"}),
    ],
)
def test_an_everyday_word_names_no_state(language: str, title: str, origins: set[str]) -> None:
    assert set(facts.read(title, "", "", language=language).origin_states) & {"AF", "IN"} == origins
