import Agent
import Glibc
import Model
import Projection
import RPC

extension ControlMethods {
  /// The version of `docs/control.md`.
  static let protocolVersion: Int64 = 1

  static let daemonMethods: [Method<Call>] = [
    Method(
      "daemon.health", .view, "Reports that the daemon serves requests.",
      result: "`{\"status\": \"ok\", \"version\": text, \"protocol\": 1, \"uptime\": seconds, \"uptime_ms\": N}`"
    ) { call throws(RPCError) in
      let uptime = call.now - call.server.status.started
      return [
        "status": "ok", "version": .string(call.services.daemon.version), "protocol": .int(protocolVersion),
        "uptime": .double(uptime.seconds), "uptime_ms": uptime.milliseconds,
      ]
    },
    Method(
      "daemon.status", .view, "Returns the state of the daemon at a glance.",
      result:
        "an object: `version`, `pid`, `uptime_ms`, `socket`, `connections`, `requests`, `missed`, `client`, `role` (of "
        + "this client), `events`, `agents`, `rules`, `devices`, and the daemon's own fields (`board`, `home`, memory "
        + "and threads, `metered`: the usage of the whole daemon, `control_group`, `budgets_not_enforced`, `watchdog`, "
        + "`pressure`, `last_end`, `clock`: whether it is `synchronised` now, and `trusted` by rules, `rules_refused`: "
        + "the errors in the rule files, `not_kept`: why nothing can be written to the disk, "
        + "`emergency_stop_not_kept`: why an emergency stop, or its end, would not survive a restart, `safe_mode`: "
        + "the reason for safe mode, `docker`: the socket of the Docker engine that runs "
        + "containers, `quarantined`: for each quarantined agent, the reason and the remedy, and "
        + "`not_safe`: for each actuator that refuses its safe state, the reason and the process that retries)",
      status),
    Method(
      "daemon.stop", .admin, "Stops the daemon: agents end, every output goes to its safe state.",
      result: "`{\"stopping\": true, \"board\": its name}`", isCommand: true
    ) { call throws(RPCError) in
      call.answer(.success(["stopping": true, "board": call.board]))
      call.services.daemon.stop()
      return nil
    },
    Method(
      "daemon.reload", .admin,
      "Reloads rules and manifests; settings and the board file require a restart. On an error nothing changes.",
      result:
        "`{\"agents_changed\": the number of new or changed manifests, \"not_replaced\": agents that keep their manifests because they run, "
        + "\"cannot_run\": for each agent whose new manifest cannot run here, why, \"rules\": the number of rules}`",
      errors: [.invalidFile, .safeMode], isCommand: true
    ) { call throws(RPCError) in
      try call.requireRules()
      do throws(Diagnostics) {
        return .map(try call.services.daemon.reload())
      } catch {
        throw RPCError(error, "nothing was changed")
      }
    },
    Method(
      "daemon.leaveSafeMode", .admin, "Leaves safe mode: starts rules and agents.",
      result: "`{\"left\": whether the daemon was in safe mode}`", isCommand: true
    ) { call throws(RPCError) in
      call.services.daemon.leaveSafeMode { call.answer(.success(["left": .bool($0)])) }
      return nil
    },
    Method(
      "daemon.budgets", .view, "Returns the usage and limits of agents, and of the board as a whole.",
      .agent("which agent; by default all agents and the board"),
      result:
        "`{\"board\": [budget (4.13)], \"agents\": [{\"agent\", \"driver\", \"state\", \"parent\", \"budgets\": "
        + "[budget (4.13)]}]}`; `board` is empty with `agent`", errors: [.agentNotFound], budgets),
    Method(
      "daemon.history", .view,
      "Returns the restart ledger: why agents, the daemon and the board ended or started, oldest first.",
      .agent("which agent, registered or not; by default all agents, the daemon and the board"),
      Parameter.optional("limit", .integer(1...2000), default: 50, "how many of the newest lines, 1 to 2000"),
      result: "`{\"entries\": [line of the ledger (4.14)]}`", errors: [.storage]
    ) { call, agent, limit throws(RPCError) in
      call.services.daemon.history(agent, last: Int(limit)) { result in
        call.answer(result.map { ["entries": .list($0.map(Value.map))] }.mapError(RPCError.init))
      }
      return nil
    },
    Method(
      "daemon.probe", .operate,
      "Proves the limits of agents that are programs: small programs in their sandbox try to exceed them, one after the "
        + "other, for some seconds.",
      result:
        "`{\"obstacle\": why no sandbox can be made (or null), \"limits\": [{\"limit\": name, \"outcome\": `held`, "
        + "`afterwards` (measured, and acted upon), `not_held` or `not_run`, \"text\": what was tried and what happened}], "
        + "\"launcher\": {\"uid\": the user of agents, \"landlock\": the version of Landlock (0: none), \"controllers\": "
        + "[`groups`, `memory`, `cpu`, `pids`]} (or null), \"engine\": {\"version\", \"obstacle\": why the launcher cannot use it "
        + "(or null)} of the Docker engine of the settings (or null), \"took_ms\"}`",
      isCommand: true
    ) { call throws(RPCError) in
      guard call.services.daemon.probeLimits({ call.answer(.success(.map($0))) }) else {
        throw RPCError(
          .rateLimited, "the limits are being probed already: try again in some seconds", data: ["retry_after_ms": 5000]
        )
      }
      return nil
    },
    Method(
      "daemon.files", .view,
      "Returns the board file and the rule files, as they are on the disk.",
      result:
        "`{\"files\": [{\"kind\": \"board\" or \"rules\", \"file\": its path, \"text\", or \"error\": why it cannot be read}]}`"
    ) { call throws(RPCError) in
      ["files": .list(call.services.daemon.files().map(Value.map))]
    },
    Method(
      "daemon.methods", .view,
      "Lists the methods of this section that this session may call in some role, for programs.",
      result:
        "`{\"methods\": [{\"name\", \"role\", \"summary\", \"parameters\": [{\"name\", \"type\", \"required\", "
        + "\"default\", \"meaning\", \"aliases\"}], \"result\", \"errors\", \"schema\": the JSON schema of the "
        + "parameters}]}`"
    ) { call throws(RPCError) in
      ["methods": .list(table.all.filter { call.client.restriction?.allows($0) ?? true }.map { .map($0.fields) })]
    },
  ]

  @Sendable private static func budgets(_ call: Call, _ agent: AgentID?) throws(RPCError) -> Value? {
    let projection = call.services.projection
    let rows = try call.agents { _ throws(AgentControlError) in
      if let agent { [try projection.agentRow(agent)] } else { projection.agentRows }
    }
    return [
      "board": .list(agent == nil ? projection.boardRows.map(Value.map) : []),
      "agents": .list(
        rows.map { row in
          .map(Fields(["agent", "driver", "state", "parent", "budgets"].map { ($0, row[$0] ?? .null) }))
        }),
    ]
  }

  @Sendable private static func status(_ call: Call) throws(RPCError) -> Value? {
    let (daemon, own) = (call.services.daemon, call.server.status)
    let fields: Fields = [
      "version": .string(daemon.version), "pid": .int(Int64(getpid())),
      "uptime_ms": (call.now - own.started).milliseconds, "socket": .string(own.socket),
      "connections": .int(Int64(own.connections)), "requests": .int(Int64(clamping: own.requests)),
      "missed": .int(Int64(clamping: own.missed)), "client": .string(call.client.user),
      "role": .string(call.client.role.name),
    ]
    let all = [fields, call.services.projection.summary, daemon.status()].flatMap { $0.map { ($0.key, $0.value) } }
    assert(Set(all.map(\.0)).count == all.count, "each field has one source: \(all.map(\.0))")
    return .map(Fields(all))
  }
}
