"""initial."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '20261121_0427_initial'
down_revision = None
branch_labels = None
depends_on = None


PARTITIONS = 16


def upgrade() -> None:
    op.execute(sa.schema.CreateSequence(sa.Sequence('object_ids', start=1, increment=1000, schema='annotations')))
    op.create_table('imports',
    sa.Column('request_id', sa.Text(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('result', postgresql.JSONB(astext_type=sa.Text()), nullable=True),
    sa.PrimaryKeyConstraint('request_id', name=op.f('pk_imports')),
    schema='annotations'
    )
    op.create_index(op.f('ix_imports_created_at'), 'imports', ['created_at'], unique=False, schema='annotations')
    op.create_table('inbox',
    sa.Column('consumer', sa.Text(), nullable=False),
    sa.Column('event_id', sa.Uuid(), nullable=False),
    sa.Column('processed_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.PrimaryKeyConstraint('consumer', 'event_id', name=op.f('pk_inbox')),
    schema='annotations'
    )
    op.create_index(op.f('ix_inbox_processed_at'), 'inbox', ['processed_at'], unique=False, schema='annotations')
    op.create_table('job_states',
    sa.Column('job_id', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('task_id', sa.BigInteger(), nullable=False),
    sa.Column('revision', sa.BigInteger(), server_default='0', nullable=False),
    sa.Column('labels_version', sa.Text(), server_default='', nullable=False),
    sa.Column('label_ids', postgresql.ARRAY(sa.BigInteger()), server_default='{}', nullable=False),
    sa.Column('tags', sa.Integer(), server_default='0', nullable=False),
    sa.Column('shapes', sa.Integer(), server_default='0', nullable=False),
    sa.Column('tracks', sa.Integer(), server_default='0', nullable=False),
    sa.Column('document_bytes', sa.BigInteger(), server_default='0', nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('deleted_at', sa.DateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('job_id', name=op.f('pk_job_states')),
    schema='annotations'
    )
    op.create_index('ix_job_states_label_ids', 'job_states', ['label_ids'], unique=False, schema='annotations', postgresql_using='gin')
    op.create_index(op.f('ix_job_states_task_id'), 'job_states', ['task_id'], unique=False, schema='annotations')
    op.create_table('objects',
    sa.Column('job_id', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('id', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('created_rev', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('ended_rev', sa.BigInteger(), nullable=True),
    sa.Column('kind', sa.SmallInteger(), nullable=False),
    sa.Column('frame', sa.Integer(), nullable=False),
    sa.Column('last_frame', sa.Integer(), nullable=False),
    sa.Column('label_id', sa.BigInteger(), nullable=False),
    sa.Column('type', sa.SmallInteger(), nullable=False),
    sa.Column('doc', sa.LargeBinary(), nullable=False),
    sa.PrimaryKeyConstraint('job_id', 'id', 'created_rev', name=op.f('pk_objects')),
    schema='annotations',
    postgresql_partition_by='HASH (job_id)'
    )
    for number in range(PARTITIONS):
        op.execute(
            f'CREATE TABLE annotations.objects_p{number:02} PARTITION OF annotations.objects '
            f'FOR VALUES WITH (MODULUS {PARTITIONS}, REMAINDER {number})'
        )
    op.create_index('ix_objects_current', 'objects', ['job_id', 'kind', 'frame', 'id'], unique=False, schema='annotations', postgresql_where=sa.text('ended_rev IS NULL'))
    op.create_table('outbox',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('event_id', sa.Uuid(), nullable=False),
    sa.Column('topic', sa.Text(), nullable=False),
    sa.Column('key', sa.Text(), nullable=False),
    sa.Column('payload', sa.LargeBinary(), nullable=False),
    sa.Column('headers', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('recorded_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_outbox')),
    schema='annotations'
    )
    op.create_table('revisions',
    sa.Column('job_id', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('revision', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('user_id', sa.BigInteger(), nullable=True),
    sa.Column('username', sa.Text(), server_default='', nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('reason', sa.Text(), server_default='', nullable=False),
    sa.Column('created', sa.Integer(), nullable=False),
    sa.Column('updated', sa.Integer(), nullable=False),
    sa.Column('deleted', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('job_id', 'revision', name=op.f('pk_revisions')),
    schema='annotations'
    )
    op.create_table('work_items',
    sa.Column('id', sa.Text(), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('state', sa.Text(), nullable=False),
    sa.Column('payload', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('owner', sa.Text(), server_default='', nullable=False),
    sa.Column('dedupe_key', sa.Text(), nullable=True),
    sa.Column('attempts', sa.Integer(), server_default='0', nullable=False),
    sa.Column('max_attempts', sa.Integer(), nullable=False),
    sa.Column('run_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('lease_until', sa.DateTime(timezone=True), nullable=True),
    sa.Column('lease_token', sa.Uuid(), nullable=True),
    sa.Column('is_cancel_requested', sa.Boolean(), server_default=sa.text('false'), nullable=False),
    sa.Column('progress', sa.Float(), server_default='0', nullable=False),
    sa.Column('message', sa.Text(), server_default='', nullable=False),
    sa.Column('result', postgresql.JSONB(astext_type=sa.Text()), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('finished_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("state in ('queued','running','done','failed','cancelled')", name=op.f('ck_work_items_state')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_work_items')),
    schema='annotations'
    )
    op.create_index('ix_work_items_claimable', 'work_items', ['run_at'], unique=False, schema='annotations', postgresql_where=sa.text("state IN ('queued', 'running')"))
    op.create_index('uq_work_items_dedupe_key_active', 'work_items', ['dedupe_key'], unique=True, schema='annotations', postgresql_where=sa.text("state IN ('queued', 'running')"))


def downgrade() -> None:
    op.drop_index('uq_work_items_dedupe_key_active', table_name='work_items', schema='annotations', postgresql_where=sa.text("state IN ('queued', 'running')"))
    op.drop_index('ix_work_items_claimable', table_name='work_items', schema='annotations', postgresql_where=sa.text("state IN ('queued', 'running')"))
    op.drop_table('work_items', schema='annotations')
    op.drop_table('revisions', schema='annotations')
    op.drop_table('outbox', schema='annotations')
    op.drop_index('ix_objects_current', table_name='objects', schema='annotations', postgresql_where=sa.text('ended_rev IS NULL'))
    op.drop_table('objects', schema='annotations')
    op.drop_index(op.f('ix_job_states_task_id'), table_name='job_states', schema='annotations')
    op.drop_index('ix_job_states_label_ids', table_name='job_states', schema='annotations', postgresql_using='gin')
    op.drop_table('job_states', schema='annotations')
    op.drop_index(op.f('ix_inbox_processed_at'), table_name='inbox', schema='annotations')
    op.drop_table('inbox', schema='annotations')
    op.drop_index(op.f('ix_imports_created_at'), table_name='imports', schema='annotations')
    op.drop_table('imports', schema='annotations')
    op.execute(sa.schema.DropSequence(sa.Sequence('object_ids', schema='annotations')))
