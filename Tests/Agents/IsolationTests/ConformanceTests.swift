import AgentWASM
import IsolationTestKit
import Testing

/// Runs the conformance suite for every isolation.
@Suite struct ConformanceTests {
  @Test(arguments: Conformance.allCases)
  func inProcess(_ expectation: Conformance) throws {
    #expect(try expectation.complaints(InProcessBench()) == [])
  }

  @Test(.enabled(if: EngineLibrary.find() != nil, "no WASM engine: run .ci/wasmtime"), arguments: Conformance.allCases)
  func wasm(_ expectation: Conformance) throws {
    #expect(try expectation.complaints(WASMBench()) == [])
  }
}
