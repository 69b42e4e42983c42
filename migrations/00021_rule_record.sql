-- +goose Up
-- What is done to a rule set stands in the one audit of the configuration (00015): kind rule_set, key the set's number.
drop table rule_set_event;
-- +goose StatementBegin
create or replace function yx_first_rules(d text, rules jsonb, why text) returns void language plpgsql set search_path = public as $$
begin
  insert into rule_set (district, version, status, note) values (d, 1, 'DRAFT', why);
  insert into rule_row (district, set_version, id, version, status, body)
    select d, 1, x->>'id', coalesce((x->>'version')::int, 1), coalesce(x->>'status', 'ACTIVE'), (x - 'district') || jsonb_build_object('version', coalesce((x->>'version')::int, 1), 'status', coalesce(x->>'status', 'ACTIVE'), 'source', coalesce(x->>'source', 'MANUAL'))
    from jsonb_array_elements(coalesce(rules, '[]')) x;
  update rule_set set status = 'PUBLISHED', published_at = yx_now() where district = d and version = 1;
end $$;
-- +goose StatementEnd

-- +goose Down
select 1/0;
