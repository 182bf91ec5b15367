"""What a namespace must hold before work starts in it: a long enough retention and our search attributes."""

from collections.abc import Mapping
from datetime import timedelta

from google.protobuf.duration_pb2 import Duration
from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.namespace.v1 import NamespaceConfig
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest, ListSearchAttributesRequest
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest, UpdateNamespaceRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

_VALUE_TYPES: Mapping[str, "IndexedValueType.ValueType"] = {
    "Text": IndexedValueType.INDEXED_VALUE_TYPE_TEXT,
    "Keyword": IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD,
    "Int": IndexedValueType.INDEXED_VALUE_TYPE_INT,
    "Double": IndexedValueType.INDEXED_VALUE_TYPE_DOUBLE,
    "Bool": IndexedValueType.INDEXED_VALUE_TYPE_BOOL,
    "Datetime": IndexedValueType.INDEXED_VALUE_TYPE_DATETIME,
    "KeywordList": IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD_LIST,
}

_REFUSALS = frozenset(
    {RPCStatusCode.PERMISSION_DENIED, RPCStatusCode.UNAUTHENTICATED, RPCStatusCode.UNIMPLEMENTED}
)


class NamespaceNotReady(RuntimeError):
    """The namespace lacks something that we may not change ourselves; the message says what to ask for."""


async def prepare_namespace(
    client: Client, *, retention_days: int = 90, search_attributes: Mapping[str, str]
) -> None:
    """Give the client's namespace its retention (days) and search attributes (name to type); repeatable.

    Types are Temporal's: Text, Keyword, Int, Double, Bool, Datetime, KeywordList. A longer retention that
    somebody chose is left as it is. Nothing is asked for when nothing is missing, so a cluster whose operator
    prepared the namespace needs to grant no operator permission.

    Raises:
        NamespaceNotReady: the cluster does not let us change what is missing, or an attribute is of another
            type.
    """
    await keep_histories(client, retention_days)
    await register_search_attributes(client, search_attributes)


async def keep_histories(client: Client, retention_days: int) -> None:
    """Raise the namespace's retention to `retention_days` when it is shorter.

    Raises:
        NamespaceNotReady: the cluster does not let us.
    """
    service = client.workflow_service
    try:
        described = await service.describe_namespace(DescribeNamespaceRequest(namespace=client.namespace))
        wanted = timedelta(days=retention_days)
        if described.config.workflow_execution_retention_ttl.ToTimedelta() >= wanted:
            return
        retention = Duration()
        retention.FromTimedelta(wanted)
        await service.update_namespace(
            UpdateNamespaceRequest(
                namespace=client.namespace,
                config=NamespaceConfig(workflow_execution_retention_ttl=retention),
            )
        )
    except RPCError as error:
        if error.status not in _REFUSALS:
            raise
        raise NamespaceNotReady(
            f'The Temporal cluster does not let us set the retention of namespace "{client.namespace}": ask'
            f" its operator for a retention of {retention_days} days."
        ) from error


async def register_search_attributes(client: Client, search_attributes: Mapping[str, str]) -> None:
    """Register the attributes (name to Temporal's type name) that the namespace does not know yet.

    Raises:
        NamespaceNotReady: the cluster does not let us, or knows one of them under another type.
    """
    wanted = {name: _value_type(name, kind) for name, kind in search_attributes.items()}
    known = await _known_attributes(client)
    for name, value_type in wanted.items():
        if known.get(name, value_type) != value_type:
            raise NamespaceNotReady(
                f'The search attribute {name} of namespace "{client.namespace}" is not of type'
                f" {search_attributes[name]}: remove it there, or use another namespace."
            )
    missing = {name: value_type for name, value_type in wanted.items() if name not in known}
    if not missing:
        return
    try:
        await client.operator_service.add_search_attributes(
            AddSearchAttributesRequest(namespace=client.namespace, search_attributes=missing)
        )
    except RPCError as error:
        if error.status == RPCStatusCode.ALREADY_EXISTS:
            # Another process of ours was first.
            return
        if error.status not in _REFUSALS:
            raise
        listed = ", ".join(f"{name}={search_attributes[name]}" for name in missing)
        raise NamespaceNotReady(
            "The Temporal cluster does not let us register search attributes in namespace"
            f' "{client.namespace}": ask its operator to add {listed}.'
        ) from error


async def _known_attributes(client: Client) -> dict[str, int]:
    try:
        listed = await client.operator_service.list_search_attributes(
            ListSearchAttributesRequest(namespace=client.namespace)
        )
    except RPCError as error:
        if error.status not in _REFUSALS:
            raise
        # The time-skipping server cannot list them, and a cluster may not show them: then all are asked for.
        return {}
    return dict(listed.custom_attributes)


def _value_type(name: str, kind: str) -> "IndexedValueType.ValueType":
    try:
        return _VALUE_TYPES[kind]
    except KeyError:
        raise ValueError(
            f"Search attribute {name} has type {kind!r}; Temporal knows {', '.join(_VALUE_TYPES)}."
        ) from None
