// Package notice words what people are told about a rollout, and says who gets it. Everything here is pure.
package notice
