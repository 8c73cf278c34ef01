import Model
import RPC

extension ControlMethods {
  static let projectionMethods: [Method<Call>] = [
    Method(
      "projection.get", .view,
      "Returns devices, leases, agents with their reports, budgets and rules as one tree. Waits at most 1 s for each "
        + "agent's report, and then uses its last one.",
      result: "the tree (4.15)"
    ) { call throws(RPCError) in
      call.services.projection.read { call.answer(.success(.map(call.shown($0)))) }
      return nil
    },
    Method(
      "state.get", .view, "The former name of `projection.get`; an agent's `report` is also called `snapshot` here.",
      result: "the tree (4.15)"
    ) { call throws(RPCError) in
      call.services.projection.read { call.answer(.success(.map(withSnapshots(call.shown($0))))) }
      return nil
    },
  ]

  private static func withSnapshots(_ tree: Fields) -> Fields {
    var tree = tree
    let agents = tree["agents"]?.map ?? [:]
    tree["agents"] = .map(
      Fields(
        uniquePairs: agents.map { agent in
          var fields = agent.value.map ?? [:]
          fields["snapshot"] = fields["report"]
          return (agent.key, .map(fields))
        }))
    return tree
  }
}

extension Call {
  /// The tree as far as the caller may know of it.
  fileprivate func shown(_ tree: Fields) -> Fields { client.restriction?.shown(tree) ?? tree }
}
