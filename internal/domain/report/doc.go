// Package report makes the daily, weekly and monthly reports after a rollout. Everything here is pure.
package report
