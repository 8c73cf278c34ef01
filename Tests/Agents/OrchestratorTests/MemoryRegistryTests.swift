import Model
import Orchestrator
import Testing

struct MemoryRegistryTests {
  @Test func valuesAreKeptAsOnDisk() throws {
    let registry = MemoryRegistry(states: ["a": ["old": 1]])
    try registry.keep([.state("a", key: "n", 2), .state("b", key: "n", 3), .state("a", key: "old", nil)])
    #expect(registry.states == ["a": ["n": 2], "b": ["n": 3]])
    try registry.keep([.removal("b")])
    #expect(registry.states == ["a": ["n": 2]])
  }

  @Test func whatTheDiskWouldRefuseIsRefused() {
    let registry = MemoryRegistry()
    let long = String(repeating: "x", count: 2 << 20)
    for (key, value) in [("n", Value.string(long)), (String(repeating: "k", count: 4096), 1), ("a\u{0}", 1)] {
      // The good change before it is not taken either: a batch is kept as a whole.
      #expect(throws: RegistryFailure.self) {
        try registry.keep([.state("a", key: "good", 1), .state("a", key: key, value)])
      }
    }
    #expect(registry.states.isEmpty)
  }
}
