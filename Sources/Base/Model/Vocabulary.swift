// The types that agents and the daemon share (Value, Event, Reading, …) are defined in the SDK and re-exported here.
@_exported import OpenStarryAgent
