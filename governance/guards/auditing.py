"""What the database refuses about populations and samples: what was frozen, drawn or concluded stands for every role."""


def _stands(name: str, table: str, condition: str, columns: str, sentence: str) -> list[str]:
    """A trigger: rows of the table are never deleted, and while the condition held before, these columns never change."""
    new = ", ".join(f"NEW.{column}" for column in columns.split())
    old = ", ".join(f"OLD.{column}" for column in columns.split())
    return [
        f"""
        CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
          IF TG_OP = 'DELETE' THEN
            RAISE EXCEPTION 'what an audit rests on is kept' USING ERRCODE = 'insufficient_privilege';
          END IF;
          IF ({condition}) AND ROW({new}) IS DISTINCT FROM ROW({old}) THEN
            RAISE EXCEPTION '{sentence}' USING ERRCODE = 'insufficient_privilege';
          END IF;
          RETURN NEW;
        END $$
        """,
        f"DROP TRIGGER IF EXISTS {name}_forward ON {table}",
        f"CREATE TRIGGER {name}_forward BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION {name}()",
        f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {name}_forward",
    ]


GUARDS: list[str] = [
    *_stands(
        "audit_population_stands",
        "governance_auditpopulation",
        "OLD.state <> 'open'",
        "kind starts ends train_id state opened_by_id sources row_count row_digest file_id frozen_at frozen_by_id",
        "a frozen population never changes",
    ),
    *_stands(
        "population_gap_stands",
        "governance_populationgap",
        "EXISTS (SELECT 1 FROM governance_auditpopulation p WHERE p.id = OLD.population_id AND p.state <> 'open')",
        "population_id kind subject_kind subject_id label sentence at explanation explained_by_id explained_at resolved_at",
        "the gaps of a frozen population never change",
    ),
    *_stands(
        "audit_sample_drawn_stands",
        "governance_auditsample",
        "TRUE",
        "population_id seed size stratify method digest drawn_by_id drawn_at",
        "what was drawn never changes",
    ),
    *_stands(
        "sampled_row_drawn_stands",
        "governance_sampledrow",
        "TRUE",
        "sample_id position stratum subject_kind subject_id label row",
        "what was drawn never changes",
    ),
    *_stands(
        "sampled_row_concluded_stands",
        "governance_sampledrow",
        "EXISTS (SELECT 1 FROM governance_auditsample s WHERE s.id = OLD.sample_id AND s.state = 'concluded')",
        "conclusion note chain concluded_by_id concluded_at",
        "the rows of a concluded sample never change",
    ),
]
