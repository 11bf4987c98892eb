// Package ses is everything about the trial's e-mails that is not a decision:
// it writes them, sends each once through SES v2 and reports the outcome,
// keeps to the account's rate, signs the unsubscribe links, and reads and
// verifies the events that SES publishes about them.
//
// The package stores nothing and decides nothing about trials. Its callers
// claim a send, request it, and record the [trial.SendResult]; results are values
// with named reasons, so that the record explains itself later. No reason, and
// no error of this package, contains a vendor's name or address.
package ses
