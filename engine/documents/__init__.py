"""YAML documents that people write: values that know their line, so that a complaint can name it. Pure.

yaml_value     a document as values, each with its name and line
variables      $NAME in them, and .env
errors         FILE:LINE: what is wrong; what would be right
"""
