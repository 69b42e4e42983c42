package seal

import (
	"crypto/rand"
	"crypto/sha256"
)

// SaltSize is the length of a salt in bytes. It is fixed, so salt ‖ text has one reading.
const SaltSize = 16

// ChainStart is the value before the first fact of a case: sha256("yixian/1/<district>/<case>"), with the
// case id as it is written in the database (lower-case UUID).
func ChainStart(district, caseID string) [32]byte {
	return sha256.Sum256([]byte("yixian/1/" + district + "/" + caseID))
}

// ChainNext links a fact to the chain: sha256(prev ‖ fact) over the exact bytes that are stored. In SQL:
// sha256(prev || convert_to(fact, 'UTF8')).
func ChainNext(prev []byte, fact string) []byte {
	h := sha256.New()
	h.Write(prev)
	h.Write([]byte(fact))
	return h.Sum(nil)
}

// NewSalt is a fresh random salt for one erasable text.
func NewSalt() []byte {
	salt := make([]byte, SaltSize)
	_, _ = rand.Read(salt)
	return salt
}

// SaltedHash is what a fact keeps of a free text: sha256(salt ‖ text). Salt and text are erased together,
// then nothing can be guessed from the hash, and the chain still verifies.
func SaltedHash(salt []byte, text string) []byte { return ChainNext(salt, text) }
