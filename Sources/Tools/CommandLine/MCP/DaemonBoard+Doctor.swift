import Doctor
import Linux
import Model
import RPC

/// The tool `doctor`: what the command of that name says, without the probes, which are a person's to start.
extension DaemonBoard {
  private static let questions: [(method: String, params: Fields)] = [
    ("daemon.status", [:]), ("hal.devices", [:]), ("agent.list", [:]), ("models.list", [:]), ("registry.list", [:]),
    ("daemon.history", ["limit": 100]),
  ]

  func examine(_ done: @escaping (Result<Value, RPCError>) -> Void) { ask(Self.questions[...], [], done) }

  private func ask(
    _ questions: ArraySlice<(method: String, params: Fields)>, _ answers: [Value],
    _ done: @escaping (Result<Value, RPCError>) -> Void
  ) {
    guard let next = questions.first else { return done(.success(Self.findings(answers))) }
    call(next.method, next.params, nil) { [self] outcome in
      switch outcome {
      case .success(let answer): ask(questions.dropFirst(), answers + [answer.result], done)
      // The home may be unreadable, which the status says.
      case .failure where next.method == "daemon.history": ask(questions.dropFirst(), answers + [[:]], done)
      case .failure(let error):
        guard let wait = error.data["retry_after_ms"]?.int, wait <= 2000 else { return done(.failure(error)) }
        later(.milliseconds(max(1, wait))) { [self] in ask(questions, answers, done) }
      }
    }
  }

  private static func findings(_ answers: [Value]) -> Value {
    let daemon = DaemonAnswers(
      status: answers[0], devices: answers[1]["devices"]?.list ?? [], agents: answers[2]["agents"]?.list ?? [],
      models: answers[3]["models"]?.list ?? [], unusable: answers[4]["unusable"]?.map ?? [:],
      history: answers[5]["entries"]?.list ?? [],
      probes: .failure(Facts.Failure("'openstarry doctor' has to do it", isRefusal: true)))
    let findings = Examination.findings(Machine(), DoctorCommand.facts(.success(daemon)))
    return ["findings": .list(findings.map { .map($0.fields) })]
  }
}
