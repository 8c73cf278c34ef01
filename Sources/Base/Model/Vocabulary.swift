// The words that agents and the daemon share (Value, Event, Reading, …) are defined once, in the SDK, and every
// module that imports Model has them.
@_exported import OpenStarryAgent
