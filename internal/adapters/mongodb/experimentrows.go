package mongodb

import (
	"context"
	"maps"
	"slices"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"marketplace.example/trials/internal/domain/experiment"
	"marketplace.example/trials/internal/domain/trial"
)

// ExperimentRows are what became of an experiment's vendors, by the day on which their trials began. The server adds them up, so
// that an answer is as long as the experiment has days, however many vendors are in it.
func (s *Store) ExperimentRows(ctx context.Context, e experiment.Experiment) ([]experiment.Row, error) {
	ctx, cancel := context.WithTimeout(ctx, scanLimit)
	defer cancel()
	action := "reading the vendors of experiment " + e.ID
	rows, err := s.addRows(ctx, action, e)
	if notImplemented(err) {
		return s.readRows(ctx, action, e)
	}
	return rows, err
}

// dealtGroup is what the vendors of an arm that began on a day come to.
type dealtGroup struct {
	Key struct {
		Day float64 `json:"day"`
		Arm string  `json:"arm"`
	} `bson:"_id"`
	experiment.Count `bson:",inline"`
}

func (s *Store) addRows(ctx context.Context, action string, e experiment.Experiment) ([]experiment.Row, error) {
	cursor, err := s.trials.Aggregate(ctx, dealtByDay(e))
	if err != nil {
		return nil, failed(action, err)
	}
	var groups []dealtGroup
	if err := cursor.All(ctx, &groups); err != nil {
		return nil, failed(action, err)
	}
	rows := map[int]experiment.Row{}
	for _, g := range groups {
		row := rows[int(g.Key.Day)]
		row.Day = int(g.Key.Day)
		*armOf(&row, g.Key.Arm) = g.Count
		rows[row.Day] = row
	}
	return inOrder(rows), nil
}

// dealtByDay has the server count as dealtTrial.countedIn does.
func dealtByDay(e experiment.Experiment) mongo.Pipeline {
	op := func(name string, of ...any) bson.D { return bson.D{{Key: "$" + name, Value: bson.A(of)}} }
	counted := func(condition any) bson.D { return bson.D{{Key: "$sum", Value: op("cond", condition, 1, 0)}} }
	day := op("divide", op("subtract", "$startedAt", stored(e.StartedAt)), e.Day.Milliseconds())
	converted := op("and", op("eq", bson.D{{Key: "$type", Value: "$convertedAt"}}, "date"), op("lte", op("subtract", "$convertedAt", "$startedAt"), int64(e.HorizonDays)*e.Day.Milliseconds()))
	untracked := op("eq", "$convertedUntracked", true)
	return mongo.Pipeline{
		{{Key: "$match", Value: bson.D{{Key: "experiment.experiment", Value: e.ID}}}},
		{{Key: "$group", Value: bson.D{
			{Key: "_id", Value: bson.D{{Key: "day", Value: op("trunc", day, 0)}, {Key: "arm", Value: "$experiment.arm"}}},
			{Key: "dealt", Value: counted(op("not", op("and", converted, untracked)))},
			{Key: "converted", Value: counted(op("and", converted, op("not", untracked)))},
		}}},
	}
}

// armOf is where a row counts the vendors of an arm.
func armOf(row *experiment.Row, arm string) *experiment.Count {
	if arm == string(experiment.ArmB) {
		return &row.B
	}
	return &row.A
}

func inOrder(rows map[int]experiment.Row) []experiment.Row {
	return slices.SortedFunc(maps.Values(rows), func(a, b experiment.Row) int { return a.Day - b.Day })
}

// dealtTrial is what is read of the trial of an experiment's vendor.
type dealtTrial struct {
	Experiment         trial.Assignment `json:"experiment"`
	StartedAt          time.Time        `json:"startedAt"`
	ConvertedAt        *time.Time       `json:"convertedAt"`
	ConvertedUntracked bool             `json:"convertedUntracked"`
}

// readRows is addRows for the embedded server, which cannot add up by a day that it has to compute.
func (s *Store) readRows(ctx context.Context, action string, e experiment.Experiment) ([]experiment.Row, error) {
	fields := ascending("experiment.arm", "startedAt", "convertedAt", "convertedUntracked") // as a projection, these
	cursor, err := s.trials.Find(ctx, bson.D{{Key: "experiment.experiment", Value: e.ID}}, options.Find().SetProjection(fields))
	if err != nil {
		return nil, failed(action, err)
	}
	defer cursor.Close(context.WithoutCancel(ctx)) //nolint:errcheck // nothing more is read
	rows := map[int]experiment.Row{}
	for cursor.Next(ctx) {
		var t dealtTrial
		if err := cursor.Decode(&t); err != nil {
			return nil, failed(action, err)
		}
		day := e.DayOf(t.StartedAt)
		rows[day] = t.countedIn(e, rows[day])
	}
	if err := cursor.Err(); err != nil {
		return nil, failed(action, err)
	}
	return inOrder(rows), nil
}

// countedIn is a day's row with the trial in it, unless its conversion is left out of figures. One after the horizon changes nothing:
// the trial may have been compared by then.
func (t dealtTrial) countedIn(e experiment.Experiment, row experiment.Row) experiment.Row {
	row.Day = e.DayOf(t.StartedAt)
	converted := t.ConvertedAt != nil && e.Counts(t.StartedAt, *t.ConvertedAt)
	if converted && t.ConvertedUntracked {
		return row
	}
	arm := armOf(&row, t.Experiment.Arm)
	arm.Dealt++
	if converted {
		arm.Converted++
	}
	return row
}
