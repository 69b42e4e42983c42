package auth

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"math/bits"
	"net/http"
	"time"

	"yixian/internal/cache"
	"yixian/internal/fault"
	"yixian/internal/seal"
)

// Challenge is a little work that the asking device does before a code is sent while the installation's budget of codes runs low.
// It is solved by a Nonce for which SHA-256(Token + "." + Nonce) begins with Bits zero bits.
type Challenge struct {
	Token string `json:"token"`
	Bits  int    `json:"bits"`
}

// Proof is a solved challenge.
type Proof struct{ Token, Nonce string }

const (
	proofLife = 5 * time.Minute
	// From these shares of the budget left on a code costs work: half a minute of a machine for a thousand numbers first, then two.
	proofFrom, proofHard = 30, 10 // per cent
	proofBits, hardBits  = 14, 16 // 2^14 hashes: a second or less of an ordinary phone
)

// demand says PROOF_NEEDED with a challenge when little is left of the budget and no proof was brought. It takes nothing of any
// limit: who is asked for work has not asked for a code yet.
func (s *Store) demand(ctx context.Context, district string, bidx []byte, budget cache.Rate, proof *Proof, now time.Time) error {
	left := s.limits.Left(ctx, "auth:otp:all", budget)
	if left <= 0 || left*100 > budget.Count*proofFrom {
		return nil // plenty; or spent, which no work mends
	}
	if proof != nil && s.proven(ctx, district, bidx, *proof, now) {
		return nil
	}
	n := proofBits
	if left*100 <= budget.Count*proofHard {
		n = hardBits
	}
	return fault.New(http.StatusTooManyRequests, "PROOF_NEEDED", "现在获取验证码的人较多，设备需要先完成一次自动验证").After(time.Second).With("challenge", s.challenge(district, bidx, n, now))
}

// challenge is stateless: when it ends, how hard it is and whom it is for are sealed into the token.
func (s *Store) challenge(district string, bidx []byte, n int, now time.Time) Challenge {
	head := binary.BigEndian.AppendUint64(nil, uint64(now.Add(proofLife).Unix()))
	head = append(append(head, byte(n)), seal.NewSalt()[:8]...)
	return Challenge{base64.RawURLEncoding.EncodeToString(append(head, s.proofMark(district, bidx, head)...)), n}
}

const proofHead = 17 // bytes of a token before its mark

func (s *Store) proofMark(district string, bidx, head []byte) []byte {
	return s.keys.Blind(district, "proof", hex.EncodeToString(bidx)+hex.EncodeToString(head))[:16]
}

// proven: made here for this number, not over, solved, and not used before.
func (s *Store) proven(ctx context.Context, district string, bidx []byte, p Proof, now time.Time) bool {
	raw, err := base64.RawURLEncoding.DecodeString(p.Token)
	if err != nil || len(raw) != proofHead+16 || !hmac.Equal(raw[proofHead:], s.proofMark(district, bidx, raw[:proofHead])) {
		return false
	}
	if ends := int64(binary.BigEndian.Uint64(raw)); ends < now.Unix() || !p.solves(int(raw[8])) {
		return false
	}
	ok, _ := s.limits.Allow(ctx, "auth:proof:"+p.Token, cache.Rate{Count: 1, Per: proofLife})
	return ok
}

func (p Proof) solves(n int) bool {
	sum := sha256.Sum256([]byte(p.Token + "." + p.Nonce))
	return bits.LeadingZeros64(binary.BigEndian.Uint64(sum[:])) >= n
}
