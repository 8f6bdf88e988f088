"""The committed contracts honour every rule, and every rule can fail."""

from collections.abc import Callable

import pytest
from google.api import annotations_pb2, field_behavior_pb2
from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
    MethodDescriptorProto,
)
from trademesh.options.v1 import method_pb2
from trademesh.type.v1 import rules_pb2

from buf.validate import validate_pb2
from services.toolchain.contracts import DESCRIPTORS, GEN
from tests.support import contract_rules as rules
from tests.support.contract_rules import option


@pytest.fixture(scope="module")
def contracts() -> rules.Contracts:
    files = FileDescriptorSet()
    files.ParseFromString((GEN / DESCRIPTORS).read_bytes())
    return rules.Contracts(files)


@pytest.mark.parametrize("rule", rules.RULES, ids=lambda rule: rule.__name__)
def test_committed_contracts_honour(rule: rules.Rule, contracts: rules.Contracts) -> None:
    assert list(rule(contracts)) == []


def test_descriptor_holds_the_mesh(contracts: rules.Contracts) -> None:
    areas = {rpc.file.package.split(".")[1] for rpc in contracts.rpcs}
    assert {"market", "strategy", "exchange", "risk", "portfolio", "orchestrator"} <= areas
    # The edge shows error details as JSON only where their types are in the descriptor.
    assert "google/rpc/error_details.proto" in {file.name for file in contracts.files.file}


def test_descriptor_keeps_the_comments(contracts: rules.Contracts) -> None:
    ours = [file for file in contracts.files.file if file.package.startswith("trademesh.")]
    assert all(any(place.leading_comments for place in file.source_code_info.location) for file in ours)


def good_contract() -> FileDescriptorProto:
    """A contract that honours every rule: one read and one mutation that takes an amount."""
    file = FileDescriptorProto(name="trademesh/sample/v1/sample_service.proto", package="trademesh.sample.v1")
    service = file.service.add(name="SampleService")
    for name, retry in (("GetSample", "READ"), ("CreateSample", "IDEMPOTENT")):
        rpc = service.method.add(
            name=name,
            input_type=f".trademesh.sample.v1.{name}Request",
            output_type=".trademesh.sample.v1.Sample",
        )
        policy = option(rpc.options, method_pb2.method)
        policy.permission = "samples.read"
        policy.default_deadline.seconds = 1
        policy.retry = method_pb2.RetryClass.Value(f"RETRY_CLASS_{retry}")
        policy.rate = method_pb2.RATE_CLASS_READ
        policy.public = True
    service.method[0].options.Extensions[annotations_pb2.http].get = "/v1/{name=samples/*}"
    service.method[1].options.Extensions[annotations_pb2.http].post = "/v1/samples"
    file.message_type.add(name="GetSampleRequest").field.add(
        name="name", number=1, type=FieldDescriptorProto.TYPE_STRING
    )
    create = file.message_type.add(name="CreateSampleRequest")
    request_id = create.field.add(name="request_id", number=1, type=FieldDescriptorProto.TYPE_STRING)
    option(request_id.options, validate_pb2.field).string.uuid = True
    create.field.add(
        name="sample",
        number=2,
        type=FieldDescriptorProto.TYPE_MESSAGE,
        type_name=".trademesh.sample.v1.Sample",
    )
    sample = file.message_type.add(name="Sample")
    price = sample.field.add(name="limit_price", number=1, type=FieldDescriptorProto.TYPE_STRING)
    option(price.options, validate_pb2.field).string.Extensions[rules_pb2.positive_decimal] = True
    filled = sample.field.add(name="filled_quantity", number=2, type=FieldDescriptorProto.TYPE_STRING)
    filled.options.Extensions[field_behavior_pb2.field_behavior].append(field_behavior_pb2.OUTPUT_ONLY)
    reasons = file.enum_type.add(name="ErrorReason")
    reasons.value.add(name="ERROR_REASON_UNSPECIFIED", number=0)
    reasons.value.add(name="ERROR_REASON_SAMPLE_NOT_FOUND", number=1)
    return file


def violations(file: FileDescriptorProto) -> list[str]:
    contracts = rules.Contracts(FileDescriptorSet(file=[file]))
    return [line for rule in rules.RULES for line in rule(contracts)]


def read(file: FileDescriptorProto) -> MethodDescriptorProto:
    return file.service[0].method[0]


def policy(file: FileDescriptorProto) -> method_pb2.MethodPolicy:
    found: method_pb2.MethodPolicy = option(read(file).options, method_pb2.method)
    return found


def create(file: FileDescriptorProto) -> DescriptorProto:
    return file.message_type[1]


def sample(file: FileDescriptorProto) -> DescriptorProto:
    return file.message_type[2]


def test_good_contract_has_no_violation() -> None:
    assert violations(good_contract()) == []


def no_policy(file: FileDescriptorProto) -> None:
    read(file).ClearField("options")


def no_permission(file: FileDescriptorProto) -> None:
    policy(file).permission = "Everything"


def no_retry(file: FileDescriptorProto) -> None:
    policy(file).retry = method_pb2.RETRY_CLASS_UNSPECIFIED


def no_rate(file: FileDescriptorProto) -> None:
    policy(file).rate = method_pb2.RATE_CLASS_UNSPECIFIED


def no_deadline(file: FileDescriptorProto) -> None:
    policy(file).ClearField("default_deadline")


def stream_with_deadline(file: FileDescriptorProto) -> None:
    read(file).server_streaming = True
    policy(file).retry = method_pb2.RETRY_CLASS_NEVER


def retried_stream(file: FileDescriptorProto) -> None:
    read(file).server_streaming = True
    policy(file).ClearField("default_deadline")


def no_http(file: FileDescriptorProto) -> None:
    read(file).options.ClearExtension(annotations_pb2.http)


def http_of_an_internal_rpc(file: FileDescriptorProto) -> None:
    policy(file).public = False


def unversioned_path(file: FileDescriptorProto) -> None:
    read(file).options.Extensions[annotations_pb2.http].get = "/samples/{name}"


def unversioned_additional_path(file: FileDescriptorProto) -> None:
    read(file).options.Extensions[annotations_pb2.http].additional_bindings.add().get = "/v2/{name=samples/*}"


def same_path_twice(file: FileDescriptorProto) -> None:
    binding = file.service[0].method[1].options.Extensions[annotations_pb2.http]
    binding.get = "/v1/{parent=samples/*}"


def no_request_id(file: FileDescriptorProto) -> None:
    create(file).field[0].name = "id"


def request_id_of_any_form(file: FileDescriptorProto) -> None:
    option(create(file).field[0].options, validate_pb2.field).string.uuid = False


def optional_request_id(file: FileDescriptorProto) -> None:
    create(file).field[0].proto3_optional = True


def ignorable_request_id(file: FileDescriptorProto) -> None:
    option(create(file).field[0].options, validate_pb2.field).ignore = validate_pb2.IGNORE_IF_ZERO_VALUE


def amount_without_rule(file: FileDescriptorProto) -> None:
    sample(file).field[0].ClearField("options")


def amount_with_rule_off(file: FileDescriptorProto) -> None:
    option(sample(file).field[0].options, validate_pb2.field).string.Extensions[
        rules_pb2.positive_decimal
    ] = False


def callers_set_the_amount(file: FileDescriptorProto) -> None:
    sample(file).field[1].ClearField("options")


def integer_amount(file: FileDescriptorProto) -> None:
    sample(file).field[1].type = FieldDescriptorProto.TYPE_INT64


def float_field(file: FileDescriptorProto) -> None:
    sample(file).field.add(name="ratio", number=3, type=FieldDescriptorProto.TYPE_DOUBLE)


def no_error_reasons(file: FileDescriptorProto) -> None:
    file.enum_type[0].name = "Reason"


def empty_error_reasons(file: FileDescriptorProto) -> None:
    del file.enum_type[0].value[1]


@pytest.mark.parametrize(
    ("spoil", "complaint"),
    [
        (no_policy, "GetSample: no (trademesh.options.v1.method)"),
        (no_permission, "GetSample: permission 'Everything' is not like market.read"),
        (no_retry, "GetSample: no retry class"),
        (no_rate, "GetSample: no rate class"),
        (no_deadline, "GetSample: no default deadline"),
        (stream_with_deadline, "GetSample: a stream with a deadline"),
        (retried_stream, "GetSample: a stream that the mesh retries"),
        (no_http, "GetSample: public, without google.api.http"),
        (http_of_an_internal_rpc, "GetSample: has google.api.http and is not public"),
        (unversioned_path, "GetSample: path /samples/{name} does not start with its version"),
        (unversioned_additional_path, "GetSample: path /v2/{name=samples/*} does not start with its version"),
        (
            same_path_twice,
            "CreateSample: get /v1/samples/* is also trademesh.sample.v1.SampleService.GetSample",
        ),
        (no_request_id, "CreateSample: idempotent, without request_id"),
        (request_id_of_any_form, "CreateSample: request_id is not a required UUID"),
        (optional_request_id, "CreateSample: request_id is not a required UUID"),
        (ignorable_request_id, "CreateSample: request_id is not a required UUID"),
        (amount_without_rule, "Sample.limit_price: an amount without a decimal rule"),
        (amount_with_rule_off, "Sample.limit_price: an amount without a decimal rule"),
        (callers_set_the_amount, "Sample.filled_quantity: an amount without a decimal rule"),
        (integer_amount, "Sample.filled_quantity: an amount that is not a string"),
        (float_field, "Sample.ratio: a float"),
        (no_error_reasons, "trademesh.sample.v1: no enum ErrorReason"),
        (empty_error_reasons, "trademesh.sample.v1.ErrorReason: no reason"),
    ],
)
def test_bad_contract_is_found(spoil: Callable[[FileDescriptorProto], None], complaint: str) -> None:
    file = good_contract()
    spoil(file)
    assert [line for line in violations(file) if line.endswith(complaint)], violations(file)
    assert len(violations(file)) == 1
