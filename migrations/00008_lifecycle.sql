-- +goose Up
-- Verification before filing, rejection with appeal, precedents.
alter table cases add column verdict text not null default '' check (verdict in ('', 'TRUE', 'FALSE', 'GONE')), add column rejected_at timestamptz;

-- A rule that an arbitration sets changes the district's configuration: every process loads it again.
-- +goose StatementBegin
create function yx_config_changed() returns trigger language plpgsql security definer set search_path = public as $$
begin
  update tenant set config_version = config_version + 1 where district = coalesce(new.district, old.district);
  return null;
end $$;
-- +goose StatementEnd
create trigger rule_changed after insert or update or delete on rule for each row execute function yx_config_changed();

-- +goose Down
select 1/0;
