"""One set of client properties for the job's Java client and the tools' Python client."""

import pytest

from kairos.contract.clients import python_options
from kairos.errors import KairosError


def test_what_tunes_the_job_is_left_to_the_job() -> None:
    assert python_options({"fetch.min.bytes": "1", "linger.ms": "0", "request.timeout.ms": "1000"}) == {}


def test_a_scram_login_over_tls_is_understood() -> None:
    options = python_options(
        {
            "security.protocol": "SASL_SSL",
            "sasl.mechanism": "SCRAM-SHA-512",
            "sasl.jaas.config": "org.apache.kafka.common.security.scram.ScramLoginModule required "
            'username="kairos" password="a \\"quoted\\" one";',
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": "/etc/ca.pem",
        }
    )
    assert options == {
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": "kairos",
        "sasl_plain_password": 'a "quoted" one',
        "ssl_cafile": "/etc/ca.pem",
    }


def test_the_shaded_login_module_of_the_flink_connector_is_the_same_login() -> None:
    module = "org.apache.flink.kafka.shaded.org.apache.kafka.common.security.plain.PlainLoginModule"
    options = python_options({"sasl.jaas.config": f'{module} required username="u" password="p";'})
    assert options == {"sasl_plain_username": "u", "sasl_plain_password": "p"}


def test_an_empty_identification_algorithm_switches_host_names_off_as_in_java() -> None:
    assert python_options({"ssl.endpoint.identification.algorithm": ""}) == {"ssl_check_hostname": False}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ssl.truststore.location", "/etc/kafka.jks"),
        ("ssl.keystore.location", "/etc/kafka.jks"),
        ("sasl.jaas.config", "com.sun.security.auth.module.Krb5LoginModule required useKeyTab=true;"),
        ("sasl.login.callback.handler.class", "com.example.Handler"),
        ("ssl.provider", "X"),
    ],
)
def test_what_the_python_client_cannot_do_is_an_error_that_names_the_property(name: str, value: str) -> None:
    with pytest.raises(KairosError, match=name.replace(".", r"\.")) as refused:
        python_options({name: value})
    assert refused.value.exit_code == 2
