import Model
import Testing

/// Warnings about the parents of agents. `CheckTests` has those of all agents together.
@Suite struct ParentageTests {
  private func agent(_ id: AgentID, parent: AgentID? = nil) -> Manifest {
    Manifest(id: id, name: id.rawValue, runtime: .init(driver: .inProcess, entry: "x"), parent: parent)
  }

  private func warned(_ manifests: [Manifest], of only: [AgentID]? = nil) -> [AgentID] {
    Parentage.complaints(manifests, of: only).map(\.agent)
  }

  @Test func aCycleIsReportedOnceForTheFirstThatIsChecked() {
    let ring = [agent("a", parent: "c"), agent("b", parent: "a"), agent("c", parent: "b"), agent("d", parent: "a")]
    #expect(warned(ring) == ["a"])
    #expect(warned(ring, of: ["c"]) == ["c"])
    #expect(warned(ring, of: ["c", "b", "d"]) == ["b"])
    #expect(warned(ring, of: []) == [] && warned(ring, of: ["d"]) == [])
    #expect(
      Parentage.complaints(ring, of: ["c"]).map(\.complaint.message) == [
        "'parent' forms a cycle: 'c' → 'b' → 'a' → 'c'; it is broken, so one of these agents shares no budget"
      ])
  }

  @Test func onlyThoseThatAreMeantAreChecked() {
    let agents = [agent("a", parent: "x"), agent("b", parent: "y"), agent("c", parent: "a")]
    #expect(warned(agents) == ["a", "b"] && warned(agents, of: ["b", "c"]) == ["b"])
  }
}
