"""Configuration of the job and the tools: one YAML with every default, an overlay file, and the environment.

Importable without Flink.
"""

from flink_job.config.load import ConfigError, default_document, load_config, parse_config
from flink_job.config.model import Config
from flink_job.config.policy import policy_over, read_policy

__all__ = ["Config", "ConfigError", "default_document", "load_config", "parse_config", "policy_over", "read_policy"]
