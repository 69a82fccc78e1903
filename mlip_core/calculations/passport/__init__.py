"""Passport: the laws that a configuration claims beside what is measured."""

from mlip_core.calculations.passport.calculation import LAWS, Law, Measure, Passport, PassportSettings, passport

__all__ = ["LAWS", "Law", "Measure", "Passport", "PassportSettings", "passport"]
