package dispatch

import (
	"encoding/json"
	"fmt"
)

// own are the numbers of the door that a district sets for itself: tenant.settings, key "limits". What it does not name, and what is
// not positive, stays as domain 4b has it.
type own struct {
	ReportsPerDay int `json:"reports_per_day"`
	FloodAddress  int `json:"flood_address"`
	FloodNet      int `json:"flood_net"`
	FloodGrid     int `json:"flood_grid"`
}

func (l Limits) with(settings json.RawMessage) (Limits, error) {
	if len(settings) == 0 {
		return l, nil
	}
	var s struct {
		Limits own `json:"limits"`
	}
	if err := json.Unmarshal(settings, &s); err != nil {
		return l, fmt.Errorf("settings of the district: %w", err)
	}
	for _, n := range []struct {
		given int
		to    *int
	}{{s.Limits.ReportsPerDay, &l.ReportsPerDay}, {s.Limits.FloodAddress, &l.FloodAddress}, {s.Limits.FloodNet, &l.FloodNet}, {s.Limits.FloodGrid, &l.FloodGrid}} {
		if n.given > 0 {
			*n.to = n.given
		}
	}
	return l, nil
}
