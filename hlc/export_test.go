package hlc

// Horizon is the last timestamp that a clock takes over from elsewhere.
const Horizon = horizon

// Last returns the whole state of c.
func (c *Clock) Last() Timestamp { return Timestamp(c.last.Load()) }

// EncodeBound and DecodeBound are the format of a bound file.
var (
	EncodeBound = encodeBound
	DecodeBound = decodeBound
)
