"""What the demo says, written in each language for itself."""

from __future__ import annotations

from typing import Final

from matchmaker.core.language import Bilingual

STARTING: Final = Bilingual(zh="启动数据库", en="Starting the database")
IMPORTING: Final = Bilingual(zh="导入示例库", en="Importing the demo pool")
PUBLISHING: Final = Bilingual(zh="发布索引", en="Publishing the index")
MATCHING: Final = Bilingual(zh="匹配", en="Matching")

TITLE: Final = Bilingual(
    zh="{name}：从一份企业档案到讲得清理由的匹配", en="{name}: from a profile to an explained match"
)
INTRODUCTION: Final = Bilingual(
    zh="企业和服务商都是虚构的。结果由接口所用的同一套代码当场算出，不保存任何内容。",
    en="The firm and the providers are fictional. What follows is computed now by the code that "
    "answers the API; nothing is stored.",
)

PROFILE: Final = Bilingual(zh="企业档案", en="The profile")
NOT_STATED: Final = Bilingual(zh="没有填写，也不作猜测：", en="Not stated, and never guessed:")
SCENES: Final = Bilingual(zh="场景现有水平", en="Present level by scene")
OTHER_SCENES: Final = Bilingual(zh="其余{count}个场景的水平", en="the level of {count} more scenes")

SCALE: Final = Bilingual(zh="企业规模", en="The size of the firm")
BASIS: Final = {
    "computed": Bilingual(
        zh="{scale}，由数据算出：缺少的数据不会改变结论",
        en="{scale}, computed: no missing figure could change it",
    ),
    "estimated": Bilingual(
        zh="{scale}，按已有数据估计：补齐数据后可能改变",
        en="{scale}, estimated: the figures that are missing could change it",
    ),
    "unknown": Bilingual(zh="数据不足，无法判定", en="Too little is known to tell"),
    "not_covered": Bilingual(
        zh="划型办法不适用于该行业", en="The scheme has no rule for this industry"
    ),
}

NEED: Final = Bilingual(zh="需求", en="The need")
KIND: Final = Bilingual(zh="类型", en="Kind")
WANTED_SCENES: Final = Bilingual(zh="要改善的场景", en="Scenes")
CATEGORIES: Final = Bilingual(zh="产品类别", en="Categories")
BUDGET: Final = Bilingual(zh="预算（首年）", en="Budget, first year")
READY_BY: Final = Bilingual(zh="期望上线", en="Ready by")
MUSTS: Final = Bilingual(zh="必须满足", en="Musts")
PREFERS: Final = Bilingual(zh="最好满足", en="Preferences")

RANKING: Final = Bilingual(zh="排序结果", en="The ranked offerings")
RANKED: Final = Bilingual(
    zh="{scored}项服务参与评分，以下是前{shown}项。",
    en="{scored} offerings were scored; these are the first {shown}.",
)
RANK: Final = Bilingual(zh="名次", en="#")
OFFERING: Final = Bilingual(zh="服务 / 服务商 · 套餐", en="Offering / provider · package")
FIRST_YEAR: Final = Bilingual(zh="首年价格", en="12 months")
THREE_YEARS: Final = Bilingual(zh="三年合计", en="3 years")
FIT: Final = Bilingual(zh="契合度", en="Fit")
OPEN_PRICE: Final = Bilingual(zh="未定", en="open")
UNCONFIRMED_MARK: Final = Bilingual(
    zh="? 有一项必须满足的条件尚待确认；同分时排在已确认的后面。",
    en="? A must is not confirmed yet; of equal scores it stands behind those that are.",
)

REASONS: Final = Bilingual(zh="分数就是理由", en="The score is its own explanation")
SUMS: Final = Bilingual(
    zh="基准分加上各项加减分，等于得分，一位不差。零线左边减分，右边加分。",
    en="The base and what each feature adds make the score, to the last digit. Left of the zero "
    "line a feature takes away; right of it, it adds.",
)
PLACE: Final = Bilingual(zh="第{rank}名  {title}", en="{rank}.  {title}")
OFFERED_BY: Final = Bilingual(
    zh="{provider} · {package} · 契合度 {fit}", en="{provider} · {package} · fit {fit}"
)
BASE: Final = Bilingual(zh="基准分", en="base")
CURATION: Final = Bilingual(zh="策展规则 {rule}", en="curation {rule}")
SCORE: Final = Bilingual(zh="得分", en="score")
FOR_IT: Final = Bilingual(zh="理由", en="For it")
AGAINST_IT: Final = Bilingual(zh="留意", en="Mind")
UNCONFIRMED: Final = Bilingual(zh="待确认", en="To confirm")
MOVED: Final = Bilingual(zh="名次调整", en="Moved")
MOVES: Final = {
    "cap": Bilingual(
        zh="同一服务商在前列的数量有上限（{moved:+d}）",
        en="the first places hold only so many of one provider ({moved:+d})",
    ),
    "pin": Bilingual(zh="置顶（{moved:+d}）", en="a pinned place ({moved:+d})"),
}

QUESTIONS: Final = Bilingual(zh="接下来该回答什么", en="What to answer next")
QUESTION: Final = Bilingual(zh="问题", en="Question")
DECIDES: Final = Bilingual(zh="决定几项服务的去留", en="Offerings it settles")
SHARE: Final = Bilingual(zh="占评分的比重", en="Share of the score")
NO_QUESTIONS: Final = Bilingual(
    zh="没有哪个答案会改变这次的结果。", en="No answer would change this result."
)

BOOKS: Final = Bilingual(zh="每一项服务都有交代", en="Closed books")
CONSIDERED: Final = Bilingual(zh="纳入考虑", en="considered")
EXCLUDED: Final = Bilingual(zh="排除：{sentence}", en="left out: {sentence}")
SCORED: Final = Bilingual(zh="参与评分", en="scored")
SHOWN: Final = Bilingual(zh="列出", en="shown")

WHY_NOT: Final = Bilingual(zh="为什么没有它？", en="Why not this one?")
NEAREST: Final = Bilingual(
    zh="被排除的服务当中，它原本得分最高：",
    en="Of all that were left out, this one would have scored highest:",
)
EXCLUDED_BY: Final = Bilingual(zh="排除条件", en="Left out by")

WORDS: Final = Bilingual(zh="没有服务用到的词", en="Words that no offering uses")
CUT_WORDS: Final = Bilingual(
    zh="需求按单字和两字词计数，以下这些在示例库里一次也没有出现：",
    en="Counted by stem, these words of the need occur nowhere in the pool:",
)
MORE_WORDS: Final = Bilingual(zh="另有{count}个", en="and {count} more")
ALL_WORDS_USED: Final = Bilingual(zh="需求里的词都有服务用到。", en="Every word of it is used.")

RECEIPT: Final = Bilingual(zh="凭据", en="The receipt")
RECEIPT_HELD: Final = Bilingual(
    zh="同样的输入、时刻和版本，任何时候重算都得到同一个摘要。",
    en="The same input, instant and versions give the same digest, whenever it is replayed.",
)
AS_OF: Final = Bilingual(zh="时刻", en="as of")
MODEL: Final = Bilingual(zh="模型", en="model")
INDEX: Final = Bilingual(zh="索引位置", en="index position")
TAXONOMY: Final = Bilingual(zh="分类版本", en="taxonomy")

NEXT: Final = Bilingual(zh="轮到您了", en="Your turn")
SERVE: Final = Bilingual(
    zh="启动接口（网页文档在 /docs）：", en="Start the API (its pages are at /docs):"
)
CALL: Final = Bilingual(zh="然后在另一个终端里问它：", en="and ask it from another terminal:")
OR: Final = Bilingual(zh="或", en="or")

BETWEEN: Final = Bilingual(zh="、", en=", ")
COLON: Final = Bilingual(zh="{label}：{value}", en="{label}: {value}")

PARTLY_REJECTED: Final = Bilingual(
    zh="{file} 第{line}行有误，未导入：{message}",
    en="{file}, line {line}, is rejected and nothing of it was imported: {message}",
)
SAMPLE_MISSING: Final = Bilingual(
    zh="示例文件 {file} 里没有 {code}", en="the demo file {file} has no {code}"
)
