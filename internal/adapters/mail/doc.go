// Package mail is everything about the trial's e-mails that is not a decision:
// it words them, sends each once through SES v2 and says what became of it,
// keeps to the account's rate, signs the links that end them, and reads and
// verifies the events that SES publishes about them.
//
// The package stores nothing and decides nothing about trials. Its callers
// claim a send, ask for it, and record the [Outcome]; its answers are values
// with named reasons, so that the record explains itself later. No reason, and
// no error of this package, holds a vendor's name or address.
package mail
