import MindAgent
import OpenStarryAgent

// Started by the daemon for every manifest with `cognition` and no `runtime`, with its socket as descriptor 3.
MindAgent.main()
