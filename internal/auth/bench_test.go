package auth

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"yixian/internal/cache"
	"yixian/internal/pg/pgtest"
	"yixian/internal/seal"
)

// BenchmarkAuthenticate against the bare round trip: what a request pays to know who asks.
func BenchmarkAuthenticate(b *testing.B) {
	db := pgtest.New(b)
	keys, err := seal.Open(filepath.Join(b.TempDir(), "keys.json"))
	require.NoError(b, err)
	s := NewStore(db.App, keys, cache.NewLimits(nil), Options{Sandbox: true})
	_, err = s.CreateStaff(b.Context(), NewStaff{District: here, Username: "cg1", Password: "sandbox-cg1", Bindings: []Binding{{Role: RoleDeptOfficer, Unit: "D-CG"}}})
	require.NoError(b, err)
	token, _, err := s.Login(b.Context(), Actor{}, Credentials{District: here, Username: "cg1", Password: "sandbox-cg1"})
	require.NoError(b, err)
	b.Run("session", func(b *testing.B) {
		for b.Loop() {
			if _, err := s.Authenticate(b.Context(), token); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("round trip", func(b *testing.B) {
		for b.Loop() {
			var one int
			if err := db.App.Pool.QueryRow(b.Context(), "select 1").Scan(&one); err != nil {
				b.Fatal(err)
			}
		}
	})
}
