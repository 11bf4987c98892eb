package rollout

import (
	"math"
	"time"
)

// Call is one API call.
type Call struct {
	// Route is its method and path, with {id} for an id.
	Route string
	Took  time.Duration
	// Failed says that it was answered with a server error.
	Failed bool
}

// Calls counts API calls by duration.
type Calls struct {
	// Failed counts those answered with a server error.
	Failed int       `json:"failed"`
	Took   Durations `json:"took"`
	// Routes are the same calls by route; those counted before routes were told apart are missing.
	Routes map[string]Durations `json:"routes,omitempty"`
}

// Durations counts calls by bucket; TookBucket says which. The zero value is without calls, and not to be added to.
type Durations map[int]int

// The buckets grow by a tenth each, from a millisecond on.
const (
	bucketGrowth = 1.1
	buckets      = 140
)

// TookBucket is the bucket of a duration: bucket b holds durations up to
// TookUpTo(b), and above those of the bucket before.
func TookBucket(d time.Duration) int {
	ms := float64(d) / float64(time.Millisecond)
	if ms <= 1 {
		return 0
	}
	return min(int(math.Ceil(math.Log(ms)/math.Log(bucketGrowth)-1e-9)), buckets)
}

// TookUpTo is the longest duration in a bucket.
func TookUpTo(bucket int) time.Duration {
	return time.Duration(math.Pow(bucketGrowth, float64(bucket)) * float64(time.Millisecond))
}

// Observe adds one call.
func (c *Calls) Observe(one Call) {
	took := Durations{TookBucket(one.Took): 1}
	calls := Calls{Took: took, Routes: map[string]Durations{one.Route: took}}
	if one.Failed {
		calls.Failed = 1
	}
	c.Add(calls)
}

// Add adds the calls of o.
func (c *Calls) Add(o Calls) {
	c.Failed += o.Failed
	if c.Took == nil && len(o.Took) > 0 {
		c.Took = Durations{}
	}
	c.Took.add(o.Took)
	for route, took := range o.Routes {
		if c.Routes == nil {
			c.Routes = map[string]Durations{}
		}
		if c.Routes[route] == nil {
			c.Routes[route] = Durations{}
		}
		c.Routes[route].add(took)
	}
}

// Count is how many calls there were.
func (c Calls) Count() int { return c.Took.Count() }

// SlowerThan counts the calls in buckets that lie entirely above a duration.
func (c Calls) SlowerThan(d time.Duration) int { return c.Took.SlowerThan(d) }

// Quantile is the duration that a share of the calls stayed within, up to the
// width of a bucket; 0 without calls.
func (c Calls) Quantile(share float64) time.Duration { return c.Took.Quantile(share) }

func (d Durations) add(o Durations) {
	for b, n := range o {
		d[b] += n
	}
}

// Count is Calls.Count.
func (d Durations) Count() int {
	n := 0
	for _, k := range d {
		n += k
	}
	return n
}

// SlowerThan is Calls.SlowerThan.
func (d Durations) SlowerThan(least time.Duration) int {
	limit, n := TookBucket(least), 0
	for b, k := range d {
		if b > limit {
			n += k
		}
	}
	return n
}

// Quantile is Calls.Quantile.
func (d Durations) Quantile(share float64) time.Duration {
	total := d.Count()
	if total == 0 {
		return 0
	}
	need, seen := int(math.Ceil(share*float64(total))), 0
	for b := range buckets + 1 {
		if seen += d[b]; seen >= need && seen > 0 {
			return TookUpTo(b)
		}
	}
	return TookUpTo(buckets)
}
