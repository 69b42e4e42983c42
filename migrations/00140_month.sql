-- +goose Up
-- What a month's sheets are made of is found by its instants: without these each month read five years of duties and clocks.
create index assignment_received on assignment (district, received_at);
create index call_called on call (district, called_at);
create index sla_clock_contact on sla_clock (district, due_at) where kind = 'CONTACT';
create index sla_clock_paused on sla_clock (district, case_id) where state = 'PAUSED';

-- +goose Down
select 1/0;
