//go:build soak

package dispatch

import "testing"

// The long runs of make soak: what make test does in a twentieth, in full. They run one after another, so that each has the machine.

// 100,000 random lives of up to 40 commands against the laws of the independent model.
func TestSoakModel(t *testing.T) { randomLives(t, 1000) }

// 1,000 histories of 64 people, three acts each.
func TestSoakHistories(t *testing.T) { linearizable(t, 1000, 3) }

// 64 people with a hundred acts each on four cases.
func TestSoakDoor(t *testing.T) { manyAtOneDoor(t, 100) }

// Every state × every action × all of the staff through the door.
func TestSoakIllegalDoor(t *testing.T) { illegalThroughTheDoor(t, 1) }
