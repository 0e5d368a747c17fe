"""The Globo.com news clicks (G1, October 2017): who read which article when, and nothing about the articles.

The published list of codes (click_deviceGroup 1 = tablet, 17 = Firefox OS, …) does not fit the data: it would make 58 % of all clicks
Firefox OS on tablets. What the codes mean is read off the data instead: groups 3 and 4 share the operating systems 2, 19 and 20 and
are the only ones with clicks from the mobile app (environment 2); group 1 has none of these. So 1 is the desktop and 3 and 4 are
phones and tablets; of their systems, 2 is Android and 20 iOS by their shares in Brazil. Country 1 is Brazil: the only one with
27 regions, and 95 % of the clicks. Other countries' codes stay unknown.
"""

import pyarrow as pa
import pyarrow.compute as pc

from kairos.logs.columns import as_text, is_blank, text_list
from kairos.logs.events import EventColumns
from kairos.logs.files import FileLayout
from kairos.logs.log import Covisits, LogFormat
from kairos.logs.order import AT_MS
from kairos.logs.skipped import ROW, SkippedRows
from kairos.logs.timestamps import TimeReader
from kairos.v1.interaction_pb2 import InteractionType, Platform
from kairos.v1.item_pb2 import Scenario

_HOUR_MS = 60 * 60 * 1000
_APP = 2
_DESKTOP, _TV, _PHONE, _TABLET = 1, 2, 3, 4
_ANDROID, _IOS = 2, 20
_BRAZIL = 1
_BRAZILS_ZONE = "America/Sao_Paulo"  # that of nine tenths of its people; the log's region codes do not tell the others


def _events(batch: pa.RecordBatch, skipped: SkippedRows) -> EventColumns:
    batch = skipped.drop(batch, is_blank(batch.column("user_id")), "no user id")
    batch = skipped.drop(batch, is_blank(batch.column("click_article_id")), "no article id")
    brazil = pc.fill_null(pc.equal(batch.column("click_country"), _BRAZIL), False)
    return EventColumns(
        rows=batch.column(ROW).to_numpy(),
        at_ms=batch.column(AT_MS).to_numpy(),
        user_id=text_list(batch.column("user_id")),
        fields={
            "type": int(InteractionType.INTERACTION_TYPE_VIEW),
            "item_id": text_list(batch.column("click_article_id")),
            "context.session_id": text_list(batch.column("session_id")),
            "context.platform": _platforms(batch),
            "context.country": _where(brazil, pa.scalar("BR")),
            "context.time_zone": _where(brazil, pa.scalar(_BRAZILS_ZONE)),
            "context.region": _where(brazil, as_text(batch.column("click_region"))),
            "context.referrer": _where(True, pc.binary_join_element_wise("type", as_text(batch.column("click_referrer_type")), "-")),
        },
    )


def _platforms(batch: pa.RecordBatch) -> list[int]:
    group, system = batch.column("click_deviceGroup"), batch.column("click_os")
    in_app = pc.equal(batch.column("click_environment"), _APP)
    platform = pc.case_when(
        pc.make_struct(
            pc.and_(in_app, pc.equal(system, _ANDROID)),
            pc.and_(in_app, pc.equal(system, _IOS)),
            pc.equal(group, _DESKTOP),
            pc.equal(group, _TV),
            pc.is_in(group, pa.array([_PHONE, _TABLET], group.type)),
        ),
        int(Platform.PLATFORM_ANDROID),
        int(Platform.PLATFORM_IOS),
        int(Platform.PLATFORM_WEB_DESKTOP),
        int(Platform.PLATFORM_TV),
        int(Platform.PLATFORM_WEB_MOBILE),
        int(Platform.PLATFORM_UNSPECIFIED),
    )
    numbers: list[int] = platform.to_numpy(zero_copy_only=False).tolist()
    return numbers


def _where(condition: pa.Array | bool, value: pa.Array | pa.Scalar) -> list[str]:
    return text_list(value if condition is True else pc.if_else(condition, value, ""))


def _items(batch: pa.RecordBatch) -> pa.RecordBatch:
    item_id = as_text(batch.column("click_article_id"))
    known = pa.RecordBatch.from_arrays([item_id, batch.column(AT_MS)], names=["item_id", AT_MS])
    return known.filter(pc.is_valid(item_id))


def _visits(batch: pa.RecordBatch) -> tuple[pa.Array, pa.Array]:
    return batch.column("session_id"), as_text(batch.column("click_article_id"))


GLOBO = LogFormat(
    name="globo",
    title="Globo.com news clicks",
    scenario=int(Scenario.SCENARIO_NEWS),
    layout=FileLayout("parquet"),
    columns=(
        "user_id",
        "session_id",
        "click_article_id",
        "click_timestamp",
        "click_environment",
        "click_deviceGroup",
        "click_os",
        "click_country",
        "click_region",
        "click_referrer_type",
    ),
    time_column="click_timestamp",
    time=TimeReader(unit="ms"),  # as in the published CSV files; UTC: the first hour begins at 03:00, midnight in Brasília
    in_order=False,  # by hour of the session's start, then by user
    events=_events,
    items=_items,
    covisits=Covisits(_visits, "items", warm_up_ms=48 * _HOUR_MS, refresh_ms=_HOUR_MS),
)
