"""One request, from its headers to Kafka's acknowledgement."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass
from http import HTTPStatus

import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from gateway.collector.answers import Rejected, taken
from gateway.collector.bodies import PROTOBUF_TYPES, Sent, read_body
from gateway.collector.callers import Caller, Callers, credential_in, must_be_server, no_credential
from gateway.collector.makers import Maker
from gateway.collector.makers import Request as Shared
from gateway.collector.metrics import CollectorMetrics
from gateway.collector.rates import Rates
from gateway.collector.refusal import Refusal, RequestRefused
from gateway.collector.settings import CollectorSection
from gateway.common.producer import AcknowledgedProducer, BufferFull, NotAcknowledged, Record

_LONGEST_KEY = 256
_stdlib = logging.getLogger("collector")
_log = structlog.get_logger("collector")


@dataclass(frozen=True, slots=True)
class Intake:
    """What answers requests with records; all it needs is given to it."""

    settings: CollectorSection
    callers: Callers
    rates: Rates
    producer: AcknowledgedProducer
    metrics: CollectorMetrics
    prefix: str

    async def post(self, http: Request, maker: Maker, *, for_servers: bool) -> Response:
        """A request with one record or several. Raises RequestRefused."""
        caller = self._caller(http)
        if caller is not None and for_servers:
            must_be_server(caller)
        limits = self.settings.limits
        body = await self._body(http, limits.body_bytes if caller is not None else limits.enveloped_bytes)
        sent = read_body(body, _media_type(http), limits.batch_records, limits.depth)
        if caller is None:
            caller = self._known(sent.token)
            if for_servers:
                must_be_server(caller)
        return await self._take(http, caller, maker, sent)

    async def put_user(self, http: Request, maker: Maker, user_id: str) -> Response:
        """Facts about one user. Raises RequestRefused."""
        caller = self._server(http)
        media_type = _media_type(http)
        if media_type in PROTOBUF_TYPES:
            raise RequestRefused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "wrong_media_type", "send application/json")
        sent = read_body(await self._body(http, self.settings.limits.body_bytes), media_type, 1, self.settings.limits.depth)
        if len(sent.records) != 1 or not isinstance(sent.records[0], dict):
            raise RequestRefused(HTTPStatus.BAD_REQUEST, "malformed", "the body must be one object")
        given = {key: value for key, value in sent.records[0].items() if key not in ("userId", "user_id")}
        return await self._take(http, caller, maker, Sent([{**given, "userId": user_id}]))

    async def delete_user(self, http: Request, maker: Maker, user_id: str) -> Response:
        """Erasure of one user. Raises RequestRefused."""
        caller = self._server(http)
        return await self._take(http, caller, maker, Sent([{"userId": user_id, "erase": True}]))

    def _server(self, http: Request) -> Caller:
        caller = self._caller(http)
        if caller is None:
            raise no_credential()
        must_be_server(caller)
        return caller

    def _caller(self, http: Request) -> Caller | None:
        """By the headers; None if they present nothing."""
        credential = credential_in(http.headers.get("authorization"), http.headers.get("x-api-key"))
        return self._known(credential) if credential else None

    def _known(self, credential: str) -> Caller:
        if not credential:
            raise no_credential()
        caller = self.callers.known_by(credential, time.time())
        self.rates.count_request(caller)
        return caller

    async def _body(self, http: Request, most: int) -> bytes:
        """Raises RequestRefused for a body that is too large, too slow, compressed, or broken off."""
        if http.headers.get("content-encoding", "identity").lower() != "identity":
            raise RequestRefused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "wrong_media_type", "compressed bodies are not accepted")
        announced = http.headers.get("content-length", "0")
        if not announced.isdecimal() or int(announced[:20]) > most:
            raise _too_large(most)
        parts, size = [], 0
        try:
            async with asyncio.timeout(self.settings.limits.body_timeout_ms / 1000):
                async for part in http.stream():
                    size += len(part)
                    if size > most:
                        raise _too_large(most)
                    parts.append(part)
        except TimeoutError:
            raise RequestRefused(HTTPStatus.REQUEST_TIMEOUT, "too_slow", "the body did not come in time") from None
        except ClientDisconnect:
            raise RequestRefused(HTTPStatus.BAD_REQUEST, "malformed", "the body was broken off") from None
        return b"".join(parts)

    async def _take(self, http: Request, caller: Caller, maker: Maker, sent: Sent) -> Response:
        request_id: str = http.scope["state"]["request_id"]
        self.rates.count_records(caller, len(sent.records))
        shared = Shared(caller, time.time_ns() // 1_000_000, _idempotency_key(http) or request_id)
        records: list[Record] = []
        rejected: list[Rejected] = []
        make = maker.make
        for place, one in enumerate(sent.records):
            try:
                records += make(one, place, shared)
            except Refusal as refusal:
                rejected.append(Rejected(place, refusal))
        await self._write(maker, records)
        accepted = len(sent.records) - len(rejected)
        self.metrics.accepted.labels(maker.kind).inc(accepted)
        for one in rejected:
            self.metrics.rejected.labels(maker.kind, one.refusal.code).inc()
        if _stdlib.isEnabledFor(logging.DEBUG):  # else each request would pay for a line that nobody reads
            self._tell(maker, caller, accepted, len(rejected), request_id)
        return taken(accepted, rejected, request_id)

    @staticmethod
    def _tell(maker: Maker, caller: Caller, accepted: int, rejected: int, request_id: str) -> None:
        who = "a user" if caller.user_id else caller.name
        _log.debug("taken", kind=maker.kind, caller=who, accepted=accepted, rejected=rejected, request_id=request_id)

    async def _write(self, maker: Maker, records: list[Record]) -> None:
        """Returns when Kafka has them. Raises RequestRefused: nothing of the request counts as taken, all of it may be sent again."""
        wait_s = self.settings.retry_after_s
        began = time.perf_counter()
        try:
            await self.producer.send(self.prefix + maker.topic, records)
        except BufferFull:
            self.metrics.unacknowledged.labels(maker.kind).inc(len(records))
            raise RequestRefused(HTTPStatus.SERVICE_UNAVAILABLE, "busy", "the buffer is full: nothing was taken", wait_s) from None
        except NotAcknowledged:
            self.metrics.unacknowledged.labels(maker.kind).inc(len(records))
            reason = "Kafka did not acknowledge in time: send all of it again, with the same ids"
            raise RequestRefused(HTTPStatus.SERVICE_UNAVAILABLE, "not_acknowledged", reason, wait_s) from None
        self.metrics.kafka_seconds.observe(time.perf_counter() - began)


def _media_type(http: Request) -> str:
    return http.headers.get("content-type", "").partition(";")[0].strip().lower()


def _idempotency_key(http: Request) -> str:
    return http.headers.get("idempotency-key", "")[:_LONGEST_KEY]


def _too_large(most: int) -> RequestRefused:
    return RequestRefused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too_large", f"a body may have at most {most} bytes")
