import Model
import RPC

extension ControlMethods {
  /// What rules have told people.
  static let messageMethods: [Method<Call>] = [
    Method(
      "messages.list", .view,
      "Returns what rules have told people (`notify`) and nobody has removed since, oldest first: the newest 100.",
      result:
        "`{\"messages\": [{\"id\": that of the event `rule:notify`, \"time\": ms since 1970, \"rule\", \"text\": its first "
        + "1,000 characters, \"to\" (if it names somebody), \"picture\" (if it names a camera)}]}`"
    ) { call throws(RPCError) in ["messages": .list(call.services.rules.messages.map(Value.map))] },
    Method(
      "messages.remove", .operate, "Removes messages, because they were read or handed on.",
      Parameter.optional("through", .eventID, "the newest message to be removed; by default all are"),
      result: "`{\"removed\": how many, \"warning\": why they will be back after a restart (or null)}`", isCommand: true
    ) { call, last throws(RPCError) in
      let removed = call.services.rules.removeMessages(through: last)
      return call.answerWhenStored(["removed": .int(Int64(removed))])
    },
  ]
}
