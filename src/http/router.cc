// SPDX-License-Identifier: Apache-2.0
#include "http/router.h"

#include <algorithm>
#include <map>

#include "base/check.h"

namespace berth::http {

// A trie by path segment.
struct Router::Node {
  std::map<std::string, std::unique_ptr<Node>, std::less<>> literals;
  std::unique_ptr<Node> parameter;
  std::unique_ptr<Node> rest;
  std::map<std::string, const Route*, std::less<>> by_method;

  // Values are found first and named last: routes of one shape may name their parameters
  // differently.
  const Node* find(std::string_view path, std::vector<std::string_view>& values) const {
    if (path.empty()) return by_method.empty() ? nullptr : this;
    path.remove_prefix(1);  // the '/'
    const auto end = std::min(path.find('/'), path.size());
    const std::string_view segment = path.substr(0, end);
    if (const auto literal = literals.find(segment); literal != literals.end()) {
      if (const Node* found = literal->second->find(path.substr(end), values)) return found;
    }
    if (parameter && !segment.empty()) {
      values.push_back(segment);
      if (const Node* found = parameter->find(path.substr(end), values)) return found;
      values.pop_back();
    }
    if (rest && !path.empty()) {
      values.push_back(path);
      return rest.get();
    }
    return nullptr;
  }
};

Router::Router() : root_(std::make_unique<Node>()) {}
Router::Router(Router&&) noexcept = default;
Router& Router::operator=(Router&&) noexcept = default;
Router::~Router() = default;

void Router::add(std::string_view method, std::string_view pattern, Handler handler,
                 Access access) {
  CHECK(!pattern.empty() && pattern.front() == '/');
  auto route = std::make_unique<Route>();
  route->method = method;
  route->pattern = pattern;
  route->access = access;
  route->handler = std::move(handler);

  Node* node = root_.get();
  std::string_view left = pattern;
  while (!left.empty()) {
    left.remove_prefix(1);
    const auto end = std::min(left.find('/'), left.size());
    std::string_view segment = left.substr(0, end);
    left.remove_prefix(end);
    std::unique_ptr<Node>* next = nullptr;
    if (segment.size() > 2 && segment.front() == '{' && segment.back() == '}') {
      segment = segment.substr(1, segment.size() - 2);
      const bool takes_rest = segment.size() > 3 && segment.substr(segment.size() - 3) == "...";
      if (takes_rest) {
        CHECK(left.empty());
        segment.remove_suffix(3);
      }
      route->parameter_names.emplace_back(segment);
      next = takes_rest ? &node->rest : &node->parameter;
    } else {
      next = &node->literals[std::string(segment)];
    }
    if (!*next) *next = std::make_unique<Node>();
    node = next->get();
  }
  CHECK(node->by_method.emplace(std::string(method), route.get()).second);
  routes_.push_back(std::move(route));
}

Router::Match Router::match(std::string_view method, std::string_view raw_path,
                            Parameters& parameters) const {
  Match match;
  if (raw_path.empty() || raw_path.front() != '/') return match;
  std::vector<std::string_view> values;
  const Node* node = root_->find(raw_path, values);
  if (node == nullptr) return match;
  auto found = node->by_method.find(method);
  if (found == node->by_method.end() && method == "HEAD") found = node->by_method.find("GET");
  if (found == node->by_method.end()) {
    match.path_known = true;
    for (const auto& [name, route] : node->by_method) {
      if (!match.allow.empty()) match.allow += ", ";
      match.allow += name;
      if (name == "GET" && !node->by_method.contains("HEAD")) match.allow += ", HEAD";
    }
    return match;
  }
  for (std::size_t i = 0; i < values.size(); ++i) {
    auto value = percent_decode(values[i]);
    if (!value) return {};  // no resource has a name that cannot be decoded
    parameters.add(found->second->parameter_names[i], std::move(*value));
  }
  match.route = found->second;
  return match;
}

std::vector<const Route*> Router::routes() const {
  std::vector<const Route*> all;
  for (const auto& route : routes_) all.push_back(route.get());
  return all;
}

void Router::dispatch(Request& request, Exchange exchange) const {
  const std::string_view target = request.target;
  const auto question = std::min(target.find('?'), target.size());
  const std::string_view raw_path = target.substr(0, question);
  if (request.path.empty()) request.path = percent_decode(raw_path).value_or(std::string(raw_path));
  if (question < target.size() && request.query.items().empty()) {
    parse_query(target.substr(question + 1), request.query);
  }
  const Match found = match(request.method, raw_path, request.path_parameters);
  if (found.route != nullptr) {
    found.route->handler(request, std::move(exchange));
  } else if (found.path_known) {
    Response response = error_response(405, "Method Not Allowed");
    response.headers.emplace_back("Allow", found.allow);
    exchange.respond(std::move(response));
  } else {
    exchange.fail(404, "Not Found");
  }
}

}  // namespace berth::http
