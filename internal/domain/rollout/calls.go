package rollout

import (
	"math"
	"time"

	"marketplace.example/trials/internal/domain/evidence"
	"marketplace.example/trials/internal/domain/trial"
)

// Call is one API call.
type Call struct {
	// Route is its method and path, with {id} for an id.
	Route string
	Took  time.Duration
	// Failed says that it was answered with a server error.
	Failed bool
	// About is the cohort of the vendor that it was about; empty where it was about none.
	About trial.Cohort
}

// CallCount counts API calls, and those of them answered with a server error.
type CallCount struct {
	Seen   int `json:"seen"`
	Failed int `json:"failed"`
}

func (c *CallCount) add(o CallCount) { c.Seen, c.Failed = c.Seen+o.Seen, c.Failed+o.Failed }

func (c CallCount) share() float64 { return evidence.Ratio(c.Failed, c.Seen) }

// CallInterval counts the API calls of one interval, of which some were about vendors of either cohort.
type CallInterval struct {
	All       CallCount `json:"all"`
	Automated CallCount `json:"automated"`
	Control   CallCount `json:"control"`
}

func (i *CallInterval) add(o CallInterval) {
	i.All.add(o.All)
	i.Automated.add(o.Automated)
	i.Control.add(o.Control)
}

// Calls counts API calls by duration.
type Calls struct {
	// Failed counts those answered with a server error.
	Failed int       `json:"failed"`
	Took   Durations `json:"took"`
	// Routes are the same calls by route; those counted before routes were told apart are missing.
	Routes map[string]Durations `json:"routes,omitempty"`
	// Automated and Control are those about vendors of either cohort.
	Automated CallCount `json:"automated"`
	Control   CallCount `json:"control"`
	// Intervals are the same calls by interval, in order, those without any left out. Add leaves them as they are.
	Intervals []CallInterval `json:"intervals,omitempty"`
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
	count := CallCount{Seen: 1}
	if one.Failed {
		count.Failed = 1
	}
	c.Failed += count.Failed
	bucket := TookBucket(one.Took)
	if c.Took == nil {
		c.Took = Durations{}
	}
	c.Took[bucket]++
	c.route(one.Route)[bucket]++
	switch one.About {
	case trial.Automated:
		c.Automated.add(count)
	case trial.Control, trial.Adopted: // a vendor is dealt one of the other two
		c.Control.add(count)
	}
}

// route is where the calls of a route are counted.
func (c *Calls) route(name string) Durations {
	if c.Routes == nil {
		c.Routes = map[string]Durations{}
	}
	if c.Routes[name] == nil {
		c.Routes[name] = Durations{}
	}
	return c.Routes[name]
}

// AddInterval adds the calls of the next interval.
func (c *Calls) AddInterval(o Calls) {
	c.Add(o)
	if n := o.Count(); n > 0 {
		c.Intervals = append(c.Intervals, CallInterval{All: CallCount{Seen: n, Failed: min(o.Failed, n)}, Automated: o.Automated, Control: o.Control})
	}
}

// Add adds the calls of o.
func (c *Calls) Add(o Calls) {
	c.Failed += o.Failed
	c.Automated.add(o.Automated)
	c.Control.add(o.Control)
	if c.Took == nil && len(o.Took) > 0 {
		c.Took = Durations{}
	}
	c.Took.add(o.Took)
	for route, took := range o.Routes {
		c.route(route).add(took)
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
