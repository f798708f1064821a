"""What a warning of the JMA says in other languages: short sentences of our own, by its kind.

The Japanese text is the JMA's; these travel with the notice, as a sensor knows no catalogue.
"""

from collections.abc import Mapping

import msgspec


class Words(msgspec.Struct, frozen=True, kw_only=True):
    """One language."""

    hazards: Mapping[str, str]
    """By what the JMA calls it; empty is any other."""
    weights: Mapping[str, str]
    """By how the JMA's name ends."""
    level: str
    quake: str
    weaker: str
    """The lower half of an intensity, as of 5."""
    stronger: str
    actions: Mapping[str, str]


ACTION_OF = {
    "大津波警報": "height",
    "津波警報": "height",
    "津波注意報": "shore",
    "波浪": "shore",
    "暴風": "inside",
    "暴風雪": "inside",
    "大雪": "inside",
}
"""What to do, where it is not a matter of how grave it is."""

_KANJI = {
    "大雨": "大雨（おおあめ）",
    "土砂災害": "土砂災害（どしゃさいがい）（がけや 山（やま）が くずれる）",
    "高潮": "高潮（たかしお）（海（うみ）の 水（みず）が 高（たか）く なる）",
    "洪水": "洪水（こうずい）（川（かわ）の 水（みず）が あふれる）",
    "氾濫": "川（かわ）の 水（みず）が あふれる",
    "暴風": "とても 強（つよ）い 風（かぜ）",
    "暴風雪": "とても 強（つよ）い 風（かぜ）と 雪（ゆき）",
    "波浪": "高（たか）い 波（なみ）",
    "大雪": "大雪（おおゆき）",
    "大津波警報": "大津波（おおつなみ）警報（けいほう）"
    "（とても 高（たか）い 波（なみ）が 来（き）ます）",
    "津波警報": "津波（つなみ）警報（けいほう）（高（たか）い 波（なみ）が 来（き）ます）",
    "津波注意報": "津波（つなみ）注意報（ちゅういほう）（波（なみ）が 来（き）ます）",
    "": "天気（てんき）の 災害（さいがい）",
}

WORDS: dict[str, Words] = {
    "ja": Words(
        hazards={},
        weights={},
        level="レベル{n}",
        quake="震度{n}の地震がありました",
        weaker="{n}弱",
        stronger="{n}強",
        actions={
            "特別警報": "命の危険があります。ただちに安全な場所へ。",
            "危険警報": "危険な場所にいる人は全員、すぐに避難してください。",
            "警報": "高齢の方など避難に時間がかかる人は、危険な場所から避難してください。",
            "注意報": "今後の情報に注意してください。",
            "inside": "外に出ないでください。窓から離れてください。",
            "shore": "海に近づかないでください。",
            "height": "ただちに高い場所へ避難してください。",
            "quake": "揺れに注意し、職員の案内に従ってください。",
        },
    ),
    "ja-Hira": Words(
        hazards=_KANJI,
        weights={
            "特別警報": "とても 危（あぶ）ないです",
            "危険警報": "危（あぶ）ないです",
            "警報": "気（き）を つけて ください",
            "注意報": "注意（ちゅうい）して ください",
        },
        level="レベル{n}",
        quake="大（おお）きな 地震（じしん）が ありました。震度（しんど）{n}",
        weaker="{n}弱（じゃく）",
        stronger="{n}強（きょう）",
        actions={
            "特別警報": "死（し）ぬ かもしれません。"
            "すぐに 安全（あんぜん）な ところへ 行（い）って ください。",
            "危険警報": "危（あぶ）ない ところに いる 人（ひと）は みんな、"
            "すぐに 逃（に）げて ください。",
            "警報": "お年寄（としよ）りや 体（からだ）の 不自由（ふじゆう）な 人（ひと）は "
            "逃（に）げて ください。",
            "注意報": "ニュースを 見（み）て ください。",
            "inside": "外（そと）に 出（で）ないで ください。"
            "窓（まど）から 離（はな）れて ください。",
            "shore": "海（うみ）に 近（ちか）づかないで ください。",
            "height": "すぐに 高（たか）い ところへ 逃（に）げて ください。",
            "quake": "頭（あたま）を 守（まも）って ください。"
            "職員（しょくいん）の 話（はなし）を 聞（き）いて ください。",
        },
    ),
    "en": Words(
        hazards={
            "大雨": "Heavy rain",
            "土砂災害": "Landslides",
            "高潮": "Storm surge",
            "洪水": "Flood",
            "氾濫": "River flood",
            "暴風": "Violent wind",
            "暴風雪": "Snowstorm",
            "波浪": "High waves",
            "大雪": "Heavy snow",
            "大津波警報": "Major tsunami warning",
            "津波警報": "Tsunami warning",
            "津波注意報": "Tsunami advisory",
            "": "Severe weather",
        },
        weights={
            "特別警報": "emergency warning",
            "危険警報": "danger warning",
            "警報": "warning",
            "注意報": "advisory",
        },
        level="level {n}",
        quake="Earthquake, intensity {n}",
        weaker="{n} lower",
        stronger="{n} upper",
        actions={
            "特別警報": "Your life is in danger. Get to a safe place at once.",
            "危険警報": "Everyone in a dangerous place: leave now.",
            "警報": "If you are old or need more time: leave dangerous places now.",
            "注意報": "Watch for further news.",
            "inside": "Do not go outside. Keep away from windows.",
            "shore": "Keep away from the sea.",
            "height": "Go to high ground or up a tall building at once.",
            "quake": "Protect your head. Follow the staff.",
        },
    ),
    "zh-Hans": Words(
        hazards={
            "大雨": "大雨",
            "土砂災害": "泥石流、滑坡",
            "高潮": "风暴潮",
            "洪水": "洪水",
            "氾濫": "河水泛滥",
            "暴風": "狂风",
            "暴風雪": "暴风雪",
            "波浪": "大浪",
            "大雪": "大雪",
            "大津波警報": "大海啸警报",
            "津波警報": "海啸警报",
            "津波注意報": "海啸注意报",
            "": "恶劣天气",
        },
        weights={
            "特別警報": "特别警报",
            "危険警報": "危险警报",
            "警報": "警报",
            "注意報": "注意报",
        },
        level="{n}级",
        quake="发生地震，震度{n}",
        weaker="{n}弱",
        stronger="{n}强",
        actions={
            "特別警報": "有生命危险。请立即到安全的地方。",
            "危険警報": "身处危险地点的所有人，请立即避难。",
            "警報": "老年人和避难需要时间的人，请离开危险地点。",
            "注意報": "请留意后续消息。",
            "inside": "请不要外出，远离窗户。",
            "shore": "请不要靠近海边。",
            "height": "请立即前往高处或高楼。",
            "quake": "请保护头部，听从工作人员的指示。",
        },
    ),
    "zh-Hant": Words(
        hazards={
            "大雨": "豪雨",
            "土砂災害": "土石流、山崩",
            "高潮": "暴潮",
            "洪水": "洪水",
            "氾濫": "河水氾濫",
            "暴風": "強風",
            "暴風雪": "暴風雪",
            "波浪": "大浪",
            "大雪": "大雪",
            "大津波警報": "大海嘯警報",
            "津波警報": "海嘯警報",
            "津波注意報": "海嘯注意報",
            "": "惡劣天氣",
        },
        weights={
            "特別警報": "特別警報",
            "危険警報": "危險警報",
            "警報": "警報",
            "注意報": "注意報",
        },
        level="{n}級",
        quake="發生地震，震度{n}",
        weaker="{n}弱",
        stronger="{n}強",
        actions={
            "特別警報": "有生命危險。請立即到安全的地方。",
            "危険警報": "身處危險地點的所有人，請立即避難。",
            "警報": "年長者和避難需要時間的人，請離開危險地點。",
            "注意報": "請留意後續消息。",
            "inside": "請不要外出，遠離窗戶。",
            "shore": "請不要靠近海邊。",
            "height": "請立即前往高處或高樓。",
            "quake": "請保護頭部，聽從工作人員的指示。",
        },
    ),
    "ko": Words(
        hazards={
            "大雨": "호우",
            "土砂災害": "산사태",
            "高潮": "폭풍 해일",
            "洪水": "홍수",
            "氾濫": "하천 범람",
            "暴風": "폭풍",
            "暴風雪": "폭풍설",
            "波浪": "높은 파도",
            "大雪": "대설",
            "大津波警報": "대형 쓰나미 경보",
            "津波警報": "쓰나미 경보",
            "津波注意報": "쓰나미 주의보",
            "": "기상 재해",
        },
        weights={
            "特別警報": "특별경보",
            "危険警報": "위험경보",
            "警報": "경보",
            "注意報": "주의보",
        },
        level="{n}단계",
        quake="지진 발생, 진도 {n}",
        weaker="{n}약",
        stronger="{n}강",
        actions={
            "特別警報": "생명이 위험합니다. 즉시 안전한 곳으로 가십시오.",
            "危険警報": "위험한 곳에 있는 사람은 모두 즉시 대피하십시오.",
            "警報": "고령자 등 대피에 시간이 걸리는 사람은 위험한 곳에서 대피하십시오.",
            "注意報": "앞으로의 정보에 주의하십시오.",
            "inside": "밖에 나가지 마십시오. 창문에서 떨어지십시오.",
            "shore": "바다에 가까이 가지 마십시오.",
            "height": "즉시 높은 곳으로 대피하십시오.",
            "quake": "머리를 보호하고 직원의 안내를 따르십시오.",
        },
    ),
    "vi": Words(
        hazards={
            "大雨": "Mưa lớn",
            "土砂災害": "Sạt lở đất",
            "高潮": "Nước biển dâng do bão",
            "洪水": "Lũ lụt",
            "氾濫": "Sông tràn bờ",
            "暴風": "Gió rất mạnh",
            "暴風雪": "Bão tuyết",
            "波浪": "Sóng cao",
            "大雪": "Tuyết lớn",
            "大津波警報": "Cảnh báo sóng thần lớn",
            "津波警報": "Cảnh báo sóng thần",
            "津波注意報": "Lưu ý sóng thần",
            "": "Thời tiết nguy hiểm",
        },
        weights={
            "特別警報": "cảnh báo đặc biệt",
            "危険警報": "cảnh báo nguy hiểm",
            "警報": "cảnh báo",
            "注意報": "lưu ý",
        },
        level="cấp {n}",
        quake="Động đất, cường độ {n}",
        weaker="{n} yếu",
        stronger="{n} mạnh",
        actions={
            "特別警報": "Nguy hiểm đến tính mạng. Hãy đến nơi an toàn ngay.",
            "危険警報": "Tất cả mọi người ở nơi nguy hiểm: hãy lánh nạn ngay.",
            "警報": "Người cao tuổi và người cần nhiều thời gian: hãy rời nơi nguy hiểm.",
            "注意報": "Hãy chú ý theo dõi tin tức.",
            "inside": "Đừng ra ngoài. Hãy tránh xa cửa sổ.",
            "shore": "Đừng đến gần biển.",
            "height": "Hãy lên chỗ cao ngay lập tức.",
            "quake": "Hãy bảo vệ đầu và làm theo hướng dẫn của nhân viên.",
        },
    ),
    "pt-BR": Words(
        hazards={
            "大雨": "Chuva forte",
            "土砂災害": "Deslizamento de terra",
            "高潮": "Ressaca do mar",
            "洪水": "Inundação",
            "氾濫": "Transbordamento de rio",
            "暴風": "Vento violento",
            "暴風雪": "Nevasca",
            "波浪": "Ondas altas",
            "大雪": "Neve forte",
            "大津波警報": "Alerta de grande tsunami",
            "津波警報": "Alerta de tsunami",
            "津波注意報": "Aviso de tsunami",
            "": "Mau tempo severo",
        },
        weights={
            "特別警報": "alerta de emergência",
            "危険警報": "alerta de perigo",
            "警報": "alerta",
            "注意報": "aviso",
        },
        level="nível {n}",
        quake="Terremoto, intensidade {n}",
        weaker="{n} fraco",
        stronger="{n} forte",
        actions={
            "特別警報": "Há risco de vida. Vá agora para um lugar seguro.",
            "危険警報": "Todos em lugar perigoso: saiam agora.",
            "警報": "Idosos e quem precisa de mais tempo: saiam dos lugares perigosos.",
            "注意報": "Fique atento às próximas notícias.",
            "inside": "Não saia à rua. Fique longe das janelas.",
            "shore": "Fique longe do mar.",
            "height": "Vá agora para um lugar alto.",
            "quake": "Proteja a cabeça. Siga os funcionários.",
        },
    ),
    "tl": Words(
        hazards={
            "大雨": "Malakas na ulan",
            "土砂災害": "Pagguho ng lupa",
            "高潮": "Daluyong ng dagat",
            "洪水": "Baha",
            "氾濫": "Pag-apaw ng ilog",
            "暴風": "Napakalakas na hangin",
            "暴風雪": "Bagyo ng niyebe",
            "波浪": "Matataas na alon",
            "大雪": "Makapal na niyebe",
            "大津波警報": "Babala sa malaking tsunami",
            "津波警報": "Babala sa tsunami",
            "津波注意報": "Paalala sa tsunami",
            "": "Masamang panahon",
        },
        weights={
            "特別警報": "pang-emerhensiyang babala",
            "危険警報": "babala ng panganib",
            "警報": "babala",
            "注意報": "paalala",
        },
        level="antas {n}",
        quake="Lindol, lakas {n}",
        weaker="{n} mahina",
        stronger="{n} malakas",
        actions={
            "特別警報": "Nanganganib ang buhay. Pumunta agad sa ligtas na lugar.",
            "危険警報": "Lahat ng nasa mapanganib na lugar: lumikas na ngayon.",
            "警報": "Matatanda at mga nangangailangan ng mas mahabang oras: lumikas na.",
            "注意報": "Abangan ang susunod na balita.",
            "inside": "Huwag lumabas. Lumayo sa mga bintana.",
            "shore": "Lumayo sa dagat.",
            "height": "Umakyat agad sa mataas na lugar.",
            "quake": "Protektahan ang ulo. Sundin ang mga kawani.",
        },
    ),
}
"""By our language tag."""
