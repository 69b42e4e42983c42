-- +goose Up
-- The wall between districts: FORCED row-level security; the web role sees one district, the engine role sees all.
-- +goose StatementBegin
do $$
declare t text;
begin
  for t in select c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_attribute a on a.attrelid = c.oid and a.attname = 'district'
           where n.nspname = 'public' and c.relkind = 'r' and c.relname not in ('receipt_directory','tenant') loop
    execute format('alter table %I enable row level security', t);
    execute format('alter table %I force row level security', t);
    execute format('create policy app on %I to yixian_app using (district = current_setting(''app.district'', true)) with check (district = current_setting(''app.district'', true))', t);
    execute format('create policy engine on %I to yixian_engine using (true) with check (true)', t);
    execute format('grant select, insert, update, delete on %I to yixian_app, yixian_engine', t);
  end loop;
end $$;
-- +goose StatementEnd
grant usage on schema public to yixian_app, yixian_engine;
grant select on tenant to yixian_app;
grant select, insert, update, delete on tenant to yixian_engine;
grant select, insert on receipt_directory to yixian_app, yixian_engine;
-- The chain is insert-only for every role that the program uses.
revoke update, delete on case_event from yixian_app, yixian_engine;
revoke update, delete on case_route from yixian_app, yixian_engine;

-- +goose Down
select 1/0;
