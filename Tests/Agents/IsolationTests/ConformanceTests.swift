import AgentWASM
import IsolationTestKit
import ProcessTestKit
import Testing

/// Runs the conformance suite for every isolation.
@Suite struct ConformanceTests {
  @Test(arguments: Conformance.allCases)
  func inProcess(_ expectation: Conformance) throws {
    let complaints = try expectation.complaints(InProcessBench())
    #expect(complaints.isEmpty, "\(complaints)")
  }

  @Test(.enabled(if: EngineLibrary.find() != nil, "no WASM engine: run .ci/wasmtime"), arguments: Conformance.allCases)
  func wasm(_ expectation: Conformance) throws {
    let complaints = try expectation.complaints(WASMBench())
    #expect(complaints.isEmpty, "\(complaints)")
  }

  @Test(
    .enabled(if: SwiftModuleBench.absence == nil, "\(SwiftModuleBench.absence ?? "")"),
    arguments: Conformance.allCases)
  func swiftModule(_ expectation: Conformance) throws {
    let complaints = try expectation.complaints(SwiftModuleBench())
    #expect(complaints.isEmpty, "\(complaints)")
  }

  @Test(
    .enabled(if: SandboxRoom.absence == nil, "\(SandboxRoom.absence ?? "")"), arguments: Conformance.allCases)
  func swiftProcess(_ expectation: Conformance) throws {
    let complaints = try expectation.complaints(ProcessBench(.swift))
    #expect(complaints.isEmpty, "\(complaints)")
  }

  @Test(
    .enabled(if: SandboxRoom.absence == nil, "\(SandboxRoom.absence ?? "")"), arguments: Conformance.allCases)
  func pythonProcess(_ expectation: Conformance) throws {
    let complaints = try expectation.complaints(ProcessBench(.python))
    #expect(complaints.isEmpty, "\(complaints)")
  }

  @Test(
    .enabled(if: ContainerRoom.absence == nil, "\(ContainerRoom.absence ?? "")"), arguments: Conformance.allCases)
  func swiftContainer(_ expectation: Conformance) throws {
    let complaints = try expectation.complaints(ContainerBench(.swift))
    #expect(complaints.isEmpty, "\(complaints)")
  }

  @Test(
    .enabled(if: ContainerRoom.absence == nil, "\(ContainerRoom.absence ?? "")"), arguments: Conformance.allCases)
  func pythonContainer(_ expectation: Conformance) throws {
    let complaints = try expectation.complaints(ContainerBench(.python))
    #expect(complaints.isEmpty, "\(complaints)")
  }
}
