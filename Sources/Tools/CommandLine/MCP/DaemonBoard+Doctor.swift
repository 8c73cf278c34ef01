import Doctor
import Linux
import Model
import RPC

/// The tool `doctor`: what the command of that name says, without the probes, which are a person's to start.
extension DaemonBoard {
  func examine(_ done: @escaping (Result<Value, RPCError>) -> Void) { ask(DaemonAnswers.questions[...], [:], done) }

  private func ask(
    _ questions: ArraySlice<DaemonAnswers.Question>, _ results: [String: Value],
    _ done: @escaping (Result<Value, RPCError>) -> Void
  ) {
    guard let next = questions.first else { return conclude(results, done) }
    call(next.method, next.params, waits: Self.mostWaits) { [self] outcome in
      var results = results
      switch outcome {
      case .success(let answer): results[next.method] = answer.result
      case .failure(let error): guard next.isOptional else { return done(.failure(error)) }
      }
      ask(questions.dropFirst(), results, done)
    }
  }

  private func conclude(_ results: [String: Value], _ done: @escaping (Result<Value, RPCError>) -> Void) {
    let daemon = DaemonAnswers(
      results, probes: .failure(Facts.Failure("'openstarry doctor' has to do it", isRefusal: true)))
    // Programs may take their time, and other requests do not wait for them.
    programs.submit({ _ in DoctorCommand.versions() }) { versions in
      let findings = Examination.findings(Machine(), DoctorCommand.facts(.success(daemon), versions))
      done(.success(["findings": .list(findings.map { .map($0.fields) })]))
    }
  }
}
