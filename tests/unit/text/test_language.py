"""Foreign passages are told from English with foreign names in it."""

import pytest

from ftm_ray.text.language import is_foreign


@pytest.mark.parametrize(
    "sentence",
    [
        "この商品は発売後非常に好評です。",
        "第三分野のAFLACがNo.1です。",
        "Выручка выросла на восемь процентов.",
        "Wir haben im dritten Quartal einen Umsatz von zwei Milliarden Euro erzielt.",
        "Gracias por la pregunta, el crecimiento de ventas fue muy fuerte en México.",
        "Nous sommes très heureux de vous annoncer une croissance de notre chiffre d'affaires.",
        "Obrigado a todos por participarem da nossa teleconferência de resultados hoje.",
        "Siamo molto contenti dei risultati del trimestre e della crescita dei ricavi.",
        "We zijn zeer tevreden over de resultaten van het kwartaal en de groei.",
        "Vi är mycket nöjda med resultatet under kvartalet och tillväxten i intäkterna.",
        "Vi er meget tilfredse med resultaterne i kvartalet og væksten i omsætningen.",
        "Olemme erittäin tyytyväisiä neljänneksen tuloksiin ja liikevaihdon kasvuun tänään.",
        "Jesteśmy bardzo zadowoleni z wyników kwartału i wzrostu przychodów firmy.",
        "Bu çeyrekte elde ettiğimiz sonuçlardan ve gelir artışından çok memnunuz bugün.",
    ],
)
def test_foreign_passages_are_recognised(sentence):
    assert is_foreign(sentence)


@pytest.mark.parametrize(
    "sentence",
    [
        "Bank loan growth double digit margin expansion cloud software pricing tailwinds strong.",
        "Our next caller is Željko Đorđević with Crédit Agricole.",
        "Société Générale, Crédit Suisse, BNP Paribas, Banco Santander, Intesa Sanpaolo, Deutsche Bank.",
        "We grew in São Paulo and in Düsseldorf.",
        "EBITDA margin 23.4% versus 22.1% year-over-year.",
        "Adjuvant pembrolizumab plus axitinib versus sunitinib nephrectomy trial enrolment completed ahead schedule.",
        "Cholecystectomy, colon resection, lung resection, and foregut procedures led global procedure growth.",
        "Commercial OE versus aftermarket, military OE versus aftermarket, rotorcraft OE versus aftermarket.",
    ],
)
def test_english_with_foreign_names_or_jargon_stays(sentence):
    assert not is_foreign(sentence)
