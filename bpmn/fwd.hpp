#pragma once

namespace dsf::bpmn {
class value;
struct definition;
struct node;
struct instance_state;
struct event;
struct command;
}  // namespace dsf::bpmn
