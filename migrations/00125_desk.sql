-- +goose Up
-- What a person keeps for themselves or for their unit at the desk: filters with a name. Shared ones are offered to the unit's people.
create table desk_view (
  district text not null, id uuid not null, account_id uuid not null, unit text not null default '', name text not null, query jsonb not null, shared boolean not null default false,
  created_at timestamptz not null default yx_now(),
  primary key (district, id), unique (district, account_id, name), foreign key (district, account_id) references account (district, id)
);
create index desk_view_unit on desk_view (district, unit) where shared;

-- Words that a district answers with again and again: for one action, of all matters, of a major class or of one matter.
create table reply_template (
  district text not null, id uuid not null, action text not null, matter text not null default '', name text not null, text text not null,
  version int not null default 1, updated_at timestamptz not null default yx_now(),
  primary key (district, id), unique (district, action, matter, name)
);

-- +goose StatementBegin
do $$
declare t text;
begin
  foreach t in array array['desk_view','reply_template'] loop
    execute format('alter table %I enable row level security', t);
    execute format('alter table %I force row level security', t);
    execute format('create policy app on %I to yixian_app using (district = current_setting(''app.district'', true)) with check (district = current_setting(''app.district'', true))', t);
    execute format('create policy engine on %I to yixian_engine using (true) with check (true)', t);
    execute format('grant select, insert, update, delete on %I to yixian_app, yixian_engine', t);
  end loop;
end $$;
-- +goose StatementEnd

-- Calls that run: the cockpit counts who owes an answer from these alone.
create index call_running on call (district, case_id) where state in ('OPEN','ONSITE');

-- +goose Down
select 1/0;
