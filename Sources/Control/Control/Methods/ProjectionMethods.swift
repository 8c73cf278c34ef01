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
      call.services.projection.read { call.answer(.success(.map(call.visible($0)))) }
      return nil
    },
    Method(
      "state.get", .view, "The former name of `projection.get`; an agent's `report` is also called `snapshot` here.",
      result: "the tree (4.15)"
    ) { call throws(RPCError) in
      call.services.projection.read { call.answer(.success(.map(withSnapshots(call.visible($0))))) }
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
  /// The tree without devices that the caller may not know of.
  fileprivate func visible(_ tree: Fields) -> Fields {
    guard client.restriction != nil, let devices = tree["devices"]?.map else { return tree }
    var tree = tree
    tree["devices"] = .map(
      Fields(uniquePairs: devices.filter { client.reaches(DeviceID($0.key)) }.map { ($0.key, $0.value) }))
    return tree
  }
}
