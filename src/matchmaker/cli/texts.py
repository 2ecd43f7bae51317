"""What the demo says, written in each language for itself."""

from __future__ import annotations

from typing import Final

from matchmaker.core.language import Bilingual
from matchmaker.identity.service import Outcome
from matchmaker.matching.shortlists.machine import ShortlistState

STARTING: Final = Bilingual(zh="启动数据库", en="Starting the database")
IMPORTING: Final = Bilingual(zh="导入示例库", en="Importing the demo pool")
PUBLISHING: Final = Bilingual(zh="发布索引", en="Publishing the index")
MATCHING: Final = Bilingual(zh="匹配并保存", en="Matching and storing")
LEARNING: Final = Bilingual(zh="学习并检验", en="Learning and checking")

TITLE: Final = Bilingual(
    zh="{name}：从一份企业档案到讲得清理由的候选清单",
    en="{name}: from a profile to a shortlist with its reasons",
)
INTRODUCTION: Final = Bilingual(
    zh="企业和服务商都是虚构的。结果由接口所用的同一套代码当场算出，并保存在这里的数据库中：以下内容都从库中读出。",
    en="The firm and the providers are fictional. What follows was computed just now by the code "
    "that answers the API and stored in the database of this installation; it is told from there.",
)
KEPT: Final = {
    Outcome.NEW: Bilingual(
        zh="已保存为 {name} 第{version}版。", en="Stored as version {version} of {name}."
    ),
    Outcome.CHANGED: Bilingual(
        zh="内容有变，已保存为 {name} 第{version}版；旧版本保留不动。",
        en="Changed since, and stored as version {version} of {name}; what was before stays.",
    ),
    Outcome.UNCHANGED: Bilingual(
        zh="与已保存的 {name} 第{version}版相同，没有再写入。",
        en="As version {version} of {name} has it: nothing was written again.",
    ),
}

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
RUN: Final = Bilingual(zh="匹配记录", en="run")
AS_OF: Final = Bilingual(zh="时刻", en="as of")
MODEL: Final = Bilingual(zh="模型", en="model")
INDEX: Final = Bilingual(zh="索引位置", en="index position")
TAXONOMY: Final = Bilingual(zh="分类版本", en="taxonomy")

SHORTLIST: Final = Bilingual(zh="候选清单", en="The shortlist")
FROZEN: Final = Bilingual(
    zh="前{count}项进入候选清单并已定稿：服务商以后再修改，清单里的版本也不变。",
    en="The first {count} are shortlisted and frozen in the version they were shown in, whatever "
    "their providers change later.",
)
LISTED: Final = Bilingual(zh="服务", en="Offering")
VERSION: Final = Bilingual(zh="版本", en="Version")
SHORTLIST_ID: Final = Bilingual(zh="清单编号", en="shortlist")
STATE: Final = Bilingual(zh="状态", en="state")
STATES: Final = {
    ShortlistState.OPEN: Bilingual(zh="未定稿", en="open"),
    ShortlistState.FROZEN: Bilingual(zh="已定稿", en="frozen"),
    ShortlistState.DISCARDED: Bilingual(zh="已放弃", en="discarded"),
}

TRAIL: Final = Bilingual(zh="事件留痕", en="The event trail")
RECORDED: Final = Bilingual(
    zh="这次演示记入事件链的全部事件；没有改变的内容不产生事件。",
    en="Every event that this walk added to the chain. What stayed as it was made none.",
)
POSITION: Final = Bilingual(zh="位置", en="#")
TIME: Final = Bilingual(zh="时间 UTC", en="Time UTC")
EVENT: Final = Bilingual(zh="事件 / 对象", en="Event / subject")
BY_WHOM: Final = Bilingual(zh="由谁", en="By")
HAPPENED: Final = {
    "organisation.registered": Bilingual(zh="企业已登记 {kind}", en="{kind}"),
    "profile.stated": Bilingual(zh="企业档案已填报 {kind}", en="{kind}"),
    "need.created": Bilingual(zh="需求已起草 {kind}", en="{kind}"),
    "need.revised": Bilingual(zh="需求已修改 {kind}", en="{kind}"),
    "need.opened": Bilingual(zh="需求已发布 {kind}", en="{kind}"),
    "match_run.stored": Bilingual(zh="匹配结果已保存 {kind}", en="{kind}"),
    "shortlist.created": Bilingual(zh="候选清单已建立 {kind}", en="{kind}"),
    "shortlist.frozen": Bilingual(zh="候选清单已定稿 {kind}", en="{kind}"),
}
HAPPENED_ELSE: Final = Bilingual(zh="{kind}", en="{kind}")
SUBJECTS: Final = {
    "organisation": Bilingual(zh="组织", en="organisation"),
    "profile": Bilingual(zh="档案", en="profile"),
    "need": Bilingual(zh="需求", en="need"),
    "match_run": Bilingual(zh="匹配记录", en="run"),
    "shortlist": Bilingual(zh="候选清单", en="shortlist"),
}
FIRM: Final = Bilingual(zh="企业", en="the firm")
OPERATOR: Final = Bilingual(zh="运营方", en="operator")
CONSOLE: Final = Bilingual(zh="命令行", en="console")
CHAIN_WHOLE: Final = Bilingual(
    zh="事件链完整，直到第{position}位：没有缺失，没有改动。",
    en="The chain is whole to position {position}: none missing, none changed.",
)
CHAIN_BROKEN: Final = Bilingual(
    zh="事件链在第{position}位断开", en="the chain of events breaks at position {position}"
)
VERIFY: Final = Bilingual(zh="随时可以再查一遍：", en="Check it again at any time:")

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
