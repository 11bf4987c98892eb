// Package mongodb is the store. It keeps trials, their events, the sends and
// the flags, and adds trialStartDate and trialAutomation to the marketplace's
// users.
//
// It runs on MongoDB and on the embedded FerretDB alike, and therefore builds
// on little:
//
//   - Whatever happens for every vendor or every e-mail reads and writes one
//     document by its _id alone. FerretDB reads the whole collection for any
//     other filter.
//   - No transactions. What takes several writes is ordered so that repeating
//     it after a crash at any point finishes the rest.
//   - What may happen once is an insert: the uniqueness of _id decides. What
//     may only move forward is a $max over a document whose fields are compared
//     in their order, or a $min for what came first.
//
// Times are stored in UTC to the millisecond. Every error of a server that
// cannot be reached is found by errors.As as a *trial.Error with
// CodeUnavailable.
package mongodb
