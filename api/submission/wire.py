"""What is answered to statements that are submitted."""

from __future__ import annotations

from marshmallow import fields

from api.web.wire import (
    ProblemSchema,
    Query,
    Wire,
    described,
    digest,
    whole,
)


class AcceptedSchema(Wire):
    """Where the log holds a statement."""

    index = whole(required=True, metadata=described("Place in the log, from 0."))
    digest = digest(required=True, metadata=described("SHA-256 of the signing input."))
    type = fields.String(required=True, metadata=described("The type of statement."))
    new = fields.Boolean(required=True, metadata=described("Whether it came by this request."))
    on_behalf = fields.Boolean(
        required=True, metadata=described("Whether one enterprise spoke for another.")
    )


class SubmittedSchema(AcceptedSchema):
    """What the log answers to a statement it holds."""

    receipt = fields.String(
        required=True, metadata=described("Proof that the log holds it (C2SP tlog-proof).")
    )


class ResultSchema(AcceptedSchema):
    """What became of one statement of a batch: the members of one accepted, or its problem."""

    index = whole(metadata=described("Place in the log; in a dry run, where it would come."))
    digest = digest(metadata=described("SHA-256 of the signing input."))
    type = fields.String(metadata=described("The type of statement."))
    new = fields.Boolean(metadata=described("Whether it came, or would come, by this request."))
    on_behalf = fields.Boolean(metadata=described("Whether one enterprise spoke for another."))
    status = fields.Integer(
        required=True, metadata=described("The status a single submission would have had.")
    )
    problem = fields.Nested(ProblemSchema, metadata=described("Why it was refused."))


class BatchSchema(Wire):
    """What became of a batch."""

    results = fields.List(
        fields.Nested(ResultSchema),
        required=True,
        metadata=described("One for each statement, in their order."),
    )
    accepted = whole(required=True, metadata=described("How many passed."))
    refused = whole(required=True, metadata=described("How many did not."))
    written = fields.Boolean(
        required=True, metadata=described("Whether those that passed are in the log now.")
    )


class BatchProblemSchema(ProblemSchema, BatchSchema):
    """An atomic batch of which at least one statement was refused."""


class BatchQuery(Query):
    """How to treat a batch."""

    atomic = fields.Boolean(
        load_default=False,
        metadata=described("Store none of the statements if one of them is refused."),
    )
    dry_run = fields.Boolean(
        load_default=False, metadata=described("Judge the statements and store none of them.")
    )
