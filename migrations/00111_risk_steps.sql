-- +goose Up
-- The points from which risk levels 2 to 5 begin, where a district has set its own. It writes into the district of the connection and
-- no other, and nothing but four rising numbers.
-- +goose StatementBegin
create function yx_set_risk_steps(steps bigint[]) returns void language sql security definer set search_path = public as $$
  update tenant set settings = settings || jsonb_build_object('risk_steps', to_jsonb(steps)), config_version = config_version + 1
  where district = current_setting('app.district', true) and cardinality(steps) = 4 and 0 < steps[1] and steps[1] < steps[2] and steps[2] < steps[3] and steps[3] < steps[4]
$$;
-- +goose StatementEnd
revoke execute on function yx_set_risk_steps(bigint[]) from public;
grant execute on function yx_set_risk_steps(bigint[]) to yixian_app;

-- +goose Down
select 1/0;
